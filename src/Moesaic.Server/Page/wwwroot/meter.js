// Counts and speed of one answer.

/** Times one answer; pieces stand for tokens until the host has told its count. */
export class Meter {
  #start = performance.now();
  #first = null;
  #last = null;
  #pieces = 0;
  #usage = null;

  piece() {
    this.#last = performance.now();
    this.#first ??= this.#last;
    this.#pieces++;
  }

  usage(usage) {
    this.#usage = usage;
  }

  /** Tokens of prompt and answer together, or null before the host told them. */
  get total() {
    return this.#usage?.total_tokens ?? null;
  }

  /** One line for people. */
  text() {
    const parts = [];
    if (this.#usage) {
      const cached = this.#usage.prompt_tokens_details?.cached_tokens ?? 0;
      parts.push(`${this.#usage.prompt_tokens} prompt tokens${cached > 0 ? ` (${cached} from cache)` : ""}`);
      parts.push(plural(this.#usage.completion_tokens, "token"));
    } else if (this.#pieces > 0) {
      parts.push(plural(this.#pieces, "piece"));
    }
    if (this.#first !== null) parts.push(`first after ${seconds(this.#first - this.#start)}`);
    const speed = this.#speed();
    if (speed !== null) parts.push(speed);
    return parts.join(" · ");
  }

  /** Tokens after the first, over the time since the first: the prompt's time is told apart. */
  #speed() {
    const count = (this.#usage?.completion_tokens ?? this.#pieces) - 1;
    const time = (this.#last ?? 0) - (this.#first ?? 0);
    if (count < 1 || time <= 0) return null;
    const rate = (count * 1000) / time;
    return `${rate.toFixed(rate < 10 ? 1 : 0)} ${this.#usage ? "tokens" : "pieces"}/s`;
  }
}

export function seconds(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
