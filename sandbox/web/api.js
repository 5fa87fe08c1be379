// Calls of the sandbox's control API.

/** How long a plain call may take, in milliseconds. */
const CALL_MS = 40_000;

/** A refusal by the sandbox; `status` 0 when it could not be reached. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function call(path, options, signal, ms) {
  const limit = AbortSignal.timeout(ms);
  let response;
  try {
    response = await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, limit]) : limit });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(String(error.message ?? error), 0);
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw new ApiError(`HTTP ${response.status}`, response.ok ? 0 : response.status);
  }
  if (!response.ok) throw new ApiError(body.error ?? `HTTP ${response.status}`, response.status);
  return body;
}

/** GET; `signal` ends it early, `ms` is the longest it may take. */
export const get = (path, { signal, ms = CALL_MS } = {}) => call(path, {}, signal, ms);

/** POST of JSON. */
export const post = (path, body = {}) =>
  call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, null, CALL_MS);

/** DELETE. */
export const remove = (path) => call(path, { method: 'DELETE' }, null, CALL_MS);

/** Address of a file. */
export const fileUrl = (id) => `/sim/files/${encodeURIComponent(id)}`;

/** The bytes of a file. */
export async function file(id) {
  const response = await fetch(fileUrl(id), { signal: AbortSignal.timeout(CALL_MS) });
  if (!response.ok) throw new ApiError(`HTTP ${response.status}`, response.status);
  return response.blob();
}
