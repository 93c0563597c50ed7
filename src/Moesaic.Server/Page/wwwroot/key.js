// The dialog that asks for the API key.

import { apiKey } from "./api.js";

export class KeyDialog {
  #dialog;
  #input;
  #answer = null;

  constructor(dialog) {
    this.#dialog = dialog;
    this.#input = dialog.querySelector("#key");
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      apiKey.set(this.#input.value.trim());
      this.#close(true);
    });
    dialog.querySelector("#key-cancel").addEventListener("click", () => this.#close(false));
    // Escape closes it too.
    dialog.addEventListener("close", () => this.#close(false));
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Resolves to whether a key was entered; false at once when the dialog is already open. */
  ask(reason) {
    if (this.isOpen) return Promise.resolve(false);
    this.#dialog.querySelector("#key-reason").textContent = reason;
    this.#input.value = apiKey.get();
    this.#dialog.showModal();
    this.#input.select();
    return new Promise((resolve) => (this.#answer = resolve));
  }

  #close(isGiven) {
    const answer = this.#answer;
    this.#answer = null;
    this.#input.value = "";
    if (this.#dialog.open) this.#dialog.close();
    answer?.(isGiven);
  }
}
