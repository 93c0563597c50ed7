// The form of sampling settings. An empty field is left out of the request, so that the host's default holds.

const storeName = "moesaic.settings";

export class Settings {
  #form;

  constructor(form) {
    this.#form = form;
    this.#restore();
    form.addEventListener("input", () => this.#save());
    // The fields are emptied only after this event.
    form.addEventListener("reset", () => setTimeout(() => this.#save()));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  get system() {
    return this.#field("system").value;
  }

  /** The first field whose value the host would refuse, or null. */
  firstInvalid() {
    return this.#numbers().find((input) => !input.checkValidity()) ?? null;
  }

  /** Sampling fields of a request. */
  values() {
    return Object.fromEntries(this.#numbers().filter((input) => input.value !== "").map((input) => [input.name, input.valueAsNumber]));
  }

  #field(name) {
    return this.#form.elements.namedItem(name);
  }

  #numbers() {
    return [...this.#form.querySelectorAll("input[type=number]")];
  }

  #save() {
    sessionStorage.setItem(storeName, JSON.stringify(Object.fromEntries(new FormData(this.#form))));
  }

  #restore() {
    const stored = JSON.parse(sessionStorage.getItem(storeName) ?? "{}");
    for (const [name, value] of Object.entries(stored)) {
      const field = this.#field(name);
      if (field) field.value = value;
    }
  }
}
