// How one question and its answer look.

import { GrowingText, button, make } from "./dom.js";
import { Meter, seconds } from "./meter.js";

const endings = {
  length: "Stopped at the token limit.",
  content_filter: "Stopped by a content filter.",
  tool_calls: "The model asked for a tool, which this page does not have.",
};

/** One answer while it grows and after. */
export class AnswerView {
  meter = new Meter();
  content = "";
  element = make("article", "answer");
  #heading = make("h2", "", "Answer");
  #text = make("div", "text");
  #meterLine = make("p", "meter");
  #grown;
  #thinking = null;
  #scroll;

  constructor(model, scroll) {
    this.#scroll = scroll;
    this.#heading.title = model;
    this.#grown = new GrowingText(this.#text, scroll);
    this.element.append(this.#heading, this.#text, this.#meterLine);
    this.element.classList.add("growing");
  }

  /** Takes one chunk of the stream. */
  add(chunk) {
    if (chunk.usage) this.meter.usage(chunk.usage);
    const delta = chunk.choices?.[0]?.delta ?? {};
    // Hosts name it one way or the other, some both ways at once.
    const thought = delta.reasoning_content ?? delta.reasoning ?? "";
    if (thought) this.#think(thought);
    if (delta.content) this.#say(delta.content);
    if (thought || delta.content) {
      this.meter.piece();
      this.#meterLine.textContent = this.meter.text();
    }
  }

  /** Ends the answer: `reason` is the host's finish reason, "stopped", or null after an error. */
  end(reason, error, onRetry) {
    this.#grown.flush();
    this.#endThinking();
    this.element.classList.remove("growing");
    this.#meterLine.textContent = this.meter.text();
    if (error) this.element.append(errorNote(error));
    else if (reason === "stopped") this.#note("Stopped.");
    else if (endings[reason]) this.#note(endings[reason]);
    else if (this.content === "") this.#note("The model ended without a text.");
    const actions = make("div", "actions", button(error ? "Try again" : "Answer again", onRetry));
    if (this.content !== "" && navigator.clipboard) actions.prepend(this.#copyButton());
    this.element.append(actions);
    this.#scroll();
  }

  /** Takes away what only the last answer offers. */
  settle() {
    this.element.querySelector(".actions button:last-child")?.remove();
  }

  #say(piece) {
    this.#endThinking();
    this.content += piece;
    this.#grown.append(piece);
  }

  #think(piece) {
    if (!this.#thinking) {
      const summary = make("summary", "", "Thinking …");
      const text = make("div", "text");
      const details = make("details", "thinking", summary, text);
      this.element.insertBefore(details, this.#text);
      this.#thinking = { summary, grown: new GrowingText(text, this.#scroll), start: performance.now(), open: true };
    }
    this.#thinking.grown.append(piece);
  }

  #endThinking() {
    if (!this.#thinking?.open) return;
    this.#thinking.open = false;
    this.#thinking.grown.flush();
    this.#thinking.summary.textContent = `Thought for ${seconds(performance.now() - this.#thinking.start)}`;
  }

  #note(text) {
    this.element.append(make("p", "note", text));
  }

  #copyButton() {
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(this.content).then(() => (copy.textContent = "Copied"), () => (copy.textContent = "Not allowed"));
    });
    return copy;
  }
}

export function questionView(text) {
  return make("article", "question", make("h2", "", "You"), make("div", "text", text));
}

/** An error for people: what happened, then what support needs. */
export function errorNote(error) {
  const details = [
    error.status ? `status ${error.status}` : null,
    error.code ? `code ${error.code}` : null,
    error.requestId ? `request ${error.requestId}` : null,
    error.retryAfter ? `try again in ${error.retryAfter} s` : null,
  ].filter(Boolean);
  const note = make("div", "error", make("p", "", error.message));
  note.setAttribute("role", "alert");
  if (details.length > 0) note.append(make("p", "details", details.join(" · ")));
  return note;
}
