// The wire, version 1: what a binary message holds, and the parts of the text messages that the page uses.

export const PROTOCOL = "streamer.v1";

const utf8 = new TextDecoder();

/** ArrayBuffer → {header, jpeg}: uint32 big-endian header length, header JSON, JPEG. Throws RangeError or SyntaxError. */
export function parsePicture(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const header = JSON.parse(utf8.decode(new Uint8Array(buffer, 4, length)));
  return { header, jpeg: new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" }) };
}

/** Where the websocket is: beside the page, under whatever prefix it is served. */
export function socketUrl(base) {
  const url = new URL("ws", base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url.href;
}
