// The address says what is shown: #/ the grid, #/camera/ID one camera, #/footfall?… figures over days.

/** {view, id, query}: query holds what stands behind a question mark. */
export function readRoute(hash) {
  const [path, ...rest] = hash.split("?");
  const query = new URLSearchParams(rest.join("?"));
  if (path === "#/footfall") return { view: "footfall", id: null, query };
  const camera = /^#\/camera\/([^/]+)$/.exec(path);
  if (!camera) return { view: "grid", id: null, query };
  try {
    return { view: "camera", id: decodeURIComponent(camera[1]), query };
  } catch {
    return { view: "camera", id: camera[1], query }; // a stray % in a hand-written address
  }
}

export function cameraRoute(id) {
  return `#/camera/${encodeURIComponent(id)}`;
}

/** query: what is chosen; what is empty is left out. */
export function footfallRoute(query) {
  const kept = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return kept.size ? `#/footfall?${kept}` : "#/footfall";
}
