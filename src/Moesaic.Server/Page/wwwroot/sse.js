// Server-sent events, read from a fetch body: https://html.spec.whatwg.org/multipage/server-sent-events.html

/** Takes an event stream's text in pieces of any size and gives out whole events. */
export class EventParser {
  #rest = "";
  #type = "";
  #data = [];

  /** The events that this piece of text completes, as { type, data }. */
  push(text) {
    this.#rest += text;
    const events = [];
    for (let line = this.#takeLine(); line !== null; line = this.#takeLine()) {
      const event = this.#readLine(line);
      if (event) events.push(event);
    }
    return events;
  }

  #takeLine() {
    const end = this.#rest.search(/[\r\n]/);
    // A carriage return at the border may be the first half of one line end.
    if (end < 0 || (this.#rest[end] === "\r" && end + 1 === this.#rest.length)) return null;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + (this.#rest.startsWith("\r\n", end) ? 2 : 1));
    return line;
  }

  #readLine(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    return null;
  }

  #dispatch() {
    const event = this.#data.length > 0 ? { type: this.#type || "message", data: this.#data.join("\n") } : null;
    this.#type = "";
    this.#data = [];
    return event;
  }
}

/** The events of a response's body; an event that the end of the stream cuts off is dropped. */
export async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Also when the reader leaves early: the host must notice that nobody listens.
    reader.cancel().catch(() => {});
  }
}
