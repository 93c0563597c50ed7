// The host's OpenAI routes. Addresses are relative, so that the page also works below a proxy's path.

import { readEvents } from "./sse.js";

const keyName = "moesaic.key";

/** What the host or the network refused. `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = null, requestId = null, retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

export const apiKey = {
  get: () => sessionStorage.getItem(keyName) ?? "",
  set: (key) => (key ? sessionStorage.setItem(keyName, key) : sessionStorage.removeItem(keyName)),
};

/** Models of the host, as { id, max_model_len? }. */
export async function listModels() {
  const response = await call("v1/models", {});
  const models = (await readJson(response))?.data;
  if (!Array.isArray(models)) throw new ApiError("The host's list of models cannot be read.", describe(response));
  return models.filter((model) => typeof model?.id === "string");
}

/** Chunks of a streamed chat completion; throws when the stream tells an error or ends before its end mark. */
export async function* streamChat(request, signal) {
  const response = await call("v1/chat/completions", {
    method: "POST",
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } }),
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    signal,
  });
  for await (const event of guard(readEvents(response.body), signal)) {
    if (event.data === "[DONE]") return;
    const chunk = parse(event.data);
    if (chunk === null) throw new ApiError("The host sent something that is not JSON.", describe(response));
    if (chunk.error) throw fromEnvelope(chunk, { ...describe(response), status: 0 });
    yield chunk;
  }
  throw new ApiError("The connection ended before the answer was complete.", describe(response));
}

async function call(path, options) {
  const key = apiKey.get();
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("The host cannot be reached.");
  }
  if (!response.ok) throw fromEnvelope(await readJson(response), describe(response));
  return response;
}

/** Gives a broken connection a message that says so. */
async function* guard(events, signal) {
  try {
    yield* events;
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The connection to the host broke.");
  }
}

function fromEnvelope(body, details) {
  const error = body?.error;
  const message = typeof error?.message === "string" ? error.message : `The host answered with status ${details.status}.`;
  return new ApiError(message, { ...details, code: error?.code ?? error?.type ?? null });
}

function describe(response) {
  return {
    status: response.status,
    requestId: response.headers.get("X-Request-Id"),
    retryAfter: response.headers.get("Retry-After"),
  };
}

async function readJson(response) {
  return parse(await response.text().catch(() => ""));
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
