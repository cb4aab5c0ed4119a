// Where on the picture faces were: a grid of warmth over the newest picture, or over a plain ground where none may be shown.

import { duration } from "../format.js";

const TONES = [[253, 231, 37], [253, 141, 60], [189, 0, 38]]; // from little to much; read in both themes, over any picture

/** heat: the API's answer. picture: ImageBitmap, or null. note: from when to when. */
export function heatChart({ name, file, note, heat, picture }) {
  const cells = heat.seconds.flatMap((row, y) => row.map((seconds, x) => ({ x, y, seconds }))).filter(({ seconds }) => seconds > 0);
  const warmest = [...cells].sort((a, b) => b.seconds - a.seconds);
  const rows = warmest.map(({ x, y, seconds }) => [middle(x, heat.columns), middle(y, heat.rows), seconds]);
  return {
    file,
    note,
    readouts: null,
    table: { columns: ["x (0–1, from the left)", "y (0–1, from the top)", "face-seconds"], rows },
    draw: (width) => draw(width, { name, heat, picture, most: warmest[0]?.seconds ?? 0 }),
  };
}

function middle(index, count) {
  return Number(((index + 0.5) / count).toFixed(3));
}

function draw(width, { name, heat, picture, most }) {
  const canvas = document.createElement("canvas");
  const ratio = picture ? picture.height / picture.width : heat.rows / heat.columns;
  canvas.className = "heat";
  canvas.width = Math.min(width, 960);
  canvas.height = Math.round(canvas.width * ratio);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${name}. The warmest place: ${duration(most)} of faces.`);
  const context = canvas.getContext("2d");
  context.fillStyle = "#1b222b";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (picture) {
    context.filter = "grayscale(1) brightness(0.75)";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    context.filter = "none";
  }
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(glow(heat, most), 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** The grid as a tiny picture, a pixel for each cell; drawing it large makes it smooth. */
function glow(heat, most) {
  const small = new OffscreenCanvas(heat.columns, heat.rows);
  const context = small.getContext("2d");
  const image = context.createImageData(heat.columns, heat.rows);
  heat.seconds.flat().forEach((seconds, index) => {
    const share = most > 0 ? Math.sqrt(seconds / most) : 0; // the root: one who stands for an hour must not hide all who pass
    const [red, green, blue] = tone(share);
    image.data.set([red, green, blue, Math.round(215 * Math.min(1, share * 1.6))], index * 4);
  });
  context.putImageData(image, 0, 0);
  return small;
}

function tone(share) {
  const place = share * (TONES.length - 1);
  const from = Math.min(Math.floor(place), TONES.length - 2);
  return TONES[from].map((value, channel) => Math.round(value + (TONES[from + 1][channel] - value) * (place - from)));
}
