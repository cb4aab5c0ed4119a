// The address says what is shown: #/ the grid, #/camera/ID one camera.

export function readRoute(hash) {
  const camera = /^#\/camera\/([^/]+)$/.exec(hash);
  if (!camera) return { view: "grid", id: null };
  try {
    return { view: "camera", id: decodeURIComponent(camera[1]) };
  } catch {
    return { view: "camera", id: camera[1] }; // a stray % in a hand-written address
  }
}

export function cameraRoute(id) {
  return `#/camera/${encodeURIComponent(id)}`;
}
