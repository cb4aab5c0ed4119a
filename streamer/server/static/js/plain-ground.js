// Where no picture may be shown: the faces' boxes, with what is known of them, on a plain ground.

import { years } from "./format.js";
import { personFrom } from "./state.js";

const WIDTH = 960; // pixels of the drawing
const GROUND = "#161c23";
const GRID = "#222b35";
const INK = "#12171d";
const TONES = { female: "rgb(230 159 0)", male: "rgb(86 180 233)", unknown: "rgb(225 225 225)" }; // as on pictures

/** A result → an OffscreenCanvas of the picture's shape. */
export function plainGround({ resolution, objects }) {
  const canvas = new OffscreenCanvas(WIDTH, Math.round((WIDTH * resolution.height) / resolution.width));
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = GROUND;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = GRID;
  for (let x = 1; x < 12; x += 1) context.fillRect((x * canvas.width) / 12, 0, 1, canvas.height);
  for (let y = 1; y < 8; y += 1) context.fillRect(0, (y * canvas.height) / 8, canvas.width, 1);
  for (const object of objects) drawFace(context, object, canvas);
  return canvas;
}

function drawFace(context, object, { width, height }) {
  const { x_min, y_min, x_max, y_max } = object.detection.bounding_box;
  const [x, y, w, h] = [x_min * width, y_min * height, (x_max - x_min) * width, (y_max - y_min) * height];
  const person = personFrom(object);
  context.strokeStyle = context.fillStyle = TONES[person.static ? "unknown" : person.gender] ?? TONES.unknown;
  context.lineWidth = person.coasting || person.static ? 1.5 : 3;
  context.setLineDash(person.coasting || person.static ? [6, 5] : []);
  context.strokeRect(x, y, w, h);
  const known = [person.gender === "unknown" ? "" : person.gender, person.age ? years(person.age) : ""].filter(Boolean).join(", ");
  const text = person.static ? "static picture" : `#${person.id} ${known}`.trim();
  context.font = "600 15px system-ui, sans-serif";
  const wide = context.measureText(text).width + 14;
  const left = Math.max(0, Math.min(x, width - wide));
  const top = y > 24 ? y - 24 : y + h + 3;
  context.fillRect(left, top, wide, 21);
  context.fillStyle = INK;
  context.fillText(text, left + 7, top + 15.5);
}
