// The newest picture of a camera, in its full size.

import { detail } from "./api.js";

function fileName(id) {
  const now = new Date();
  const local = new Date(now - now.getTimezoneOffset() * 60_000);
  return `${id}-${local.toISOString().slice(0, 19).replaceAll(":", "")}.jpg`;
}

/** A Blob. Throws an Error with a message that says what to do. */
export async function fetchSnapshot(id, kind, signal = undefined) {
  const url = `api/v1/cameras/${encodeURIComponent(id)}/snapshot.jpg?kind=${kind}`;
  const answer = await fetch(url, { cache: "no-store", signal }).catch(() => null);
  if (!answer) throw new Error("No snapshot: the server can't be reached. Try again when the page is connected.");
  if (!answer.ok) throw new Error(`No snapshot: ${await detail(answer)}`);
  return answer.blob();
}

/** Saves it as a file; throws as above. */
export async function saveSnapshot(id, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await fetchSnapshot(id, kind));
  link.download = fileName(id);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the download has taken its copy by then
}
