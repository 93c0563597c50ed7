// The conversation: turns, what of them is sent, and the one answer that may be running.

import { AnswerView, questionView } from "./answer.js";
import { ApiError, streamChat } from "./api.js";

export class Chat {
  #log;
  #welcome;
  #turns = [];
  #abort = null;
  #hooks;

  /** `hooks`: request() gives model, system prompt and sampling fields; changed() and told(text) follow the state. */
  constructor(log, hooks) {
    this.#log = log;
    this.#welcome = log.firstElementChild;
    this.#hooks = hooks;
  }

  get isRunning() {
    return this.#abort !== null;
  }

  /** The last answer's prompt and text together, in tokens; null when not known. */
  get tokens() {
    return this.#turns.at(-1)?.answer?.meter.total ?? null;
  }

  ask(question) {
    this.#welcome.remove();
    this.#turns.at(-1)?.answer?.settle();
    const turn = { question, answer: null };
    this.#turns.push(turn);
    this.#log.append(questionView(question));
    return this.#run(turn);
  }

  stop() {
    this.#abort?.abort();
  }

  clear() {
    this.stop();
    this.#turns = [];
    this.#log.replaceChildren(this.#welcome);
    this.#hooks.changed();
  }

  async #run(turn) {
    const { model, system, sampling } = this.#hooks.request();
    const follow = this.#follower();
    const abort = new AbortController();
    const answer = new AnswerView(model, follow);
    turn.answer?.element.remove();
    turn.answer = answer;
    this.#log.append(answer.element);
    this.#abort = abort;
    this.#begin();
    let reason = null;
    let failure = null;
    try {
      for await (const chunk of streamChat({ model, messages: this.#messages(turn, system), ...sampling }, abort.signal)) {
        answer.add(chunk);
        reason = chunk.choices?.[0]?.finish_reason ?? reason;
      }
      if (reason === "error") failure = new ApiError("The host could not finish this answer.");
    } catch (error) {
      if (abort.signal.aborted) reason = "stopped";
      else failure = error instanceof ApiError ? error : new ApiError(`The page failed: ${error.message}`);
    }
    answer.end(reason, failure, () => this.isRunning || this.#run(turn));
    if (this.#abort === abort) this.#abort = null;
    this.#finish(answer, reason, failure);
  }

  #begin() {
    this.#log.setAttribute("aria-busy", "true");
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#hooks.told("The model is answering.");
    this.#hooks.changed();
  }

  #finish(answer, reason, failure) {
    this.#log.setAttribute("aria-busy", "false");
    if (!failure) this.#hooks.told(reason === "stopped" ? "Stopped." : `Answer complete. ${answer.meter.text()}`);
    this.#hooks.changed(failure);
  }

  /** Only questions that got some text go back to the model: templates want both sides in turn. */
  #messages(turn, system) {
    const before = this.#turns.slice(0, this.#turns.indexOf(turn)).filter((earlier) => earlier.answer.content !== "");
    return [
      ...(system.trim() === "" ? [] : [{ role: "system", content: system }]),
      ...before.flatMap((earlier) => [
        { role: "user", content: earlier.question },
        { role: "assistant", content: earlier.answer.content },
      ]),
      { role: "user", content: turn.question },
    ];
  }

  /** Keeps the end in sight unless the reader has scrolled up. */
  #follower() {
    const log = this.#log;
    let last = log.scrollHeight;
    return () => {
      if (log.scrollTop + log.clientHeight >= last - 48) log.scrollTop = log.scrollHeight;
      last = log.scrollHeight;
    };
  }
}
