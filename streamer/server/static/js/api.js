// Asks the HTTP API, and says in words what went wrong.

export class ApiError extends Error {
  /** status: of the answer; 0: none came. */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The JSON under a path, with these parameters; empty ones are left out. Throws ApiError, or AbortError. */
export async function getJson(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null && value !== "" && value !== undefined));
  return ask(query.size ? `${path}?${query}` : path, { signal });
}

export function putJson(path, document) {
  return ask(path, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document) });
}

async function ask(url, options) {
  const answer = await fetch(url, { cache: "no-store", ...options }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server can't be reached.", 0);
  });
  if (!answer.ok) throw new ApiError(sentence(await detail(answer)), answer.status);
  return answer.json();
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** What the server says of an error: RFC 9457's detail. */
export async function detail(answer) {
  const body = await answer.json().catch(() => ({}));
  return typeof body.detail === "string" ? body.detail : `The server answered ${answer.status}.`;
}
