// Saves the newest picture of a camera, in its full size, as a file.

function fileName(id) {
  const now = new Date();
  const local = new Date(now - now.getTimezoneOffset() * 60_000);
  return `${id}-${local.toISOString().slice(0, 19).replaceAll(":", "")}.jpg`;
}

/** Throws an Error with a message that says what to do. */
export async function saveSnapshot(id, kind) {
  const url = `api/v1/cameras/${encodeURIComponent(id)}/snapshot.jpg?kind=${kind}`;
  const answer = await fetch(url, { cache: "no-store" }).catch(() => null);
  if (!answer) throw new Error("No snapshot: the server can't be reached. Try again when the page is connected.");
  if (!answer.ok) throw new Error(`No snapshot: ${await detail(answer)}`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = fileName(id);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the download has taken its copy by then
}

async function detail(answer) {
  const body = await answer.json().catch(() => ({}));
  return typeof body.detail === "string" ? body.detail : `the server answered ${answer.status}.`;
}
