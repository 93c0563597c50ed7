// Wires the page's parts together.

import { ApiError, apiKey, listModels } from "./api.js";
import { errorNote } from "./answer.js";
import { Chat } from "./chat.js";
import { button, make } from "./dom.js";
import { KeyDialog } from "./key.js";
import { plural } from "./meter.js";
import { Settings } from "./settings.js";

const byId = (id) => document.getElementById(id);
const prompt = byId("prompt");
const model = byId("model");
const settingsPanel = byId("settings");
const settings = new Settings(byId("sampling"));
const keyDialog = new KeyDialog(byId("key-dialog"));
const modelLengths = new Map();
const wide = matchMedia("(min-width: 56rem)");

const chat = new Chat(byId("log"), {
  request: () => ({ model: model.value, system: settings.system, sampling: settings.values() }),
  told: (text) => (byId("status").textContent = text),
  changed: (failure) => {
    showState();
    if (failure?.status === 401) askKey();
  },
});

async function loadModels() {
  hideNotice();
  try {
    const models = await listModels();
    const chosen = model.value;
    model.replaceChildren(...models.map(({ id }) => new Option(id, id, false, id === chosen)));
    models.forEach(({ id, max_model_len: length }) => modelLengths.set(id, length));
    if (models.length === 0) showNotice(new ApiError("The host has no model."), loadModels);
  } catch (error) {
    model.replaceChildren(new Option("No models"));
    if (error instanceof ApiError && error.status === 401) askKey();
    else showNotice(error, loadModels);
  }
  model.disabled = modelLengths.size === 0;
  showState();
}

function showState() {
  const running = chat.isRunning;
  const focused = document.activeElement;
  byId("send").hidden = running;
  byId("stop").hidden = !running;
  byId("send").disabled = model.disabled;
  // A hidden button loses the focus; keep keyboard users where they were.
  if (running && focused === byId("send")) byId("stop").focus();
  if (!running && focused === byId("stop")) prompt.focus();
  const length = modelLengths.get(model.value);
  byId("usage").textContent =
    chat.tokens === null ? "" : length ? `${chat.tokens} of ${length} tokens of context used` : `${plural(chat.tokens, "token")} of context used`;
}

function send() {
  const text = prompt.value.trim();
  if (text === "" || chat.isRunning || model.disabled) return;
  const invalid = settings.firstInvalid();
  if (invalid) {
    showSettings(true);
    invalid.reportValidity();
    return;
  }
  prompt.value = "";
  hideNotice();
  chat.ask(text);
}

function showNotice(error, onRetry) {
  byId("notice").replaceChildren(errorNote(error), make("div", "actions", button("Try again", onRetry)));
  byId("notice").hidden = false;
}

function hideNotice() {
  byId("notice").hidden = true;
  byId("notice").replaceChildren();
}

/** Asks for a key, then reads the models with it. */
async function askKey() {
  const reason = apiKey.get() ? "The host refused this key." : "The host asks for a key.";
  const isGiven = await keyDialog.ask(reason);
  if (isGiven) await loadModels();
  else if (model.disabled) showNotice(new ApiError("Without a key the host does not answer.", { status: 401 }), askKey);
  prompt.focus();
}

function showSettings(isShown) {
  settingsPanel.hidden = !isShown;
  byId("toggle-settings").setAttribute("aria-expanded", String(isShown));
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
prompt.addEventListener("keydown", (event) => {
  // While an input method composes, Enter belongs to it.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chat.isRunning && !keyDialog.isOpen) chat.stop();
});
byId("stop").addEventListener("click", () => chat.stop());
byId("new-chat").addEventListener("click", () => {
  chat.clear();
  prompt.focus();
});
byId("toggle-settings").addEventListener("click", () => showSettings(settingsPanel.hidden));
byId("change-key").addEventListener("click", async () => {
  if (await keyDialog.ask("Requests carry this key.")) await loadModels();
});
model.addEventListener("change", showState);

showSettings(wide.matches);
await loadModels();
if (wide.matches && !keyDialog.isOpen) prompt.focus();
