// Making elements. Text goes in as text nodes only; the page's policy refuses markup from strings altogether.

/** An element with a class, and children that are elements or strings. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function button(label, onClick) {
  const element = make("button", "", label);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** Text that grows: pieces are gathered and put in once a frame. */
export class GrowingText {
  #node = document.createTextNode("");
  #waiting = "";
  #frame = 0;
  #afterwards;

  constructor(parent, afterwards) {
    parent.append(this.#node);
    this.#afterwards = afterwards;
  }

  append(piece) {
    this.#waiting += piece;
    this.#frame ||= requestAnimationFrame(() => this.flush());
  }

  flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#waiting === "") return;
    this.#node.appendData(this.#waiting);
    this.#waiting = "";
    this.#afterwards();
  }
}
