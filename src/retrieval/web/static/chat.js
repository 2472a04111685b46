// The behaviour of the chat in the browser: suggestions and #q= ask at once, personal data is warned at before
// it is sent, the newest answer is shown from its top and told to screen readers once, the focus goes back to
// the text box, and what Gradio says in English is said in Dutch.

const MOST_CHARACTERS = 500; // as in questions.py
const WAITING_SHOWN_AFTER = 400; // ms; an answer is mostly there before
const GAP = 8; // px above the question that is scrolled to
const TOLD_AFTER = 50; // ms; emptied first, or the same words would not be told again
const COARSE_POINTER = window.matchMedia("(pointer: coarse)");

const CONNECTION_LOST = "De verbinding is even weg. Zodra die er weer is, kunt u verder.";
const SOMETHING_FAILED = "Er ging iets mis bij het versturen. Probeer het nog eens.";

const KINDS = {
  bsn: "een burgerservicenummer",
  email: "een e-mailadres",
  phone: "een telefoonnummer",
  iban: "een rekeningnummer",
  address: "een adres",
};

const find = (selector) => document.querySelector(selector);
const textbox = () => find("#vb-invoer textarea");
const log = () => find('#vb-gesprek [role="log"]');
const notice = () => find("#vb-status");
const sendButton = () => find("#vb-verstuur");
const warning = () => find("#vb-waarschuwing");
// Gradio covers the page with it until it listens: what is clicked before is lost
const loading = () => find('gradio-app [data-testid="status-tracker"].full:not(.hide)');

let newestShown = null;
let askedByButton = false;
let waiting = null;
let telling = null;
let sentAnyway = null; // the question that was warned at, and is to be sent all the same

function ask(question) {
  const box = textbox();
  // Svelte listens to the input event; setting the value alone tells it nothing
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, question);
  box.dispatchEvent(new Event("input", { bubbles: true }));
  // the value reaches Gradio after its own update; a click in the same turn would send the old one
  requestAnimationFrame(() => setTimeout(() => sendButton().click()));
}

function askFromFragment() {
  const asked = new URLSearchParams(window.location.hash.slice(1)).get("q");
  if (asked === null || asked.trim() === "") return;
  // taken out, or reloading the page would ask again
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  ask(asked.trim());
}

// the last stop before Gradio: whichever way a question came into the text box, it leaves by one of these two
function mayBeSent(event) {
  const question = textbox().value;
  const kinds = question === sentAnyway ? [] : personalData(question);
  sentAnyway = null;
  if (kinds.length === 0) {
    warning().hidden = true;
    return true;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  warn(kinds.map((kind) => KINDS[kind]));
  return false;
}

function warn(named) {
  const list = named.length > 1 ? `${named.slice(0, -1).join(", ")} en ${named[named.length - 1]}` : named[0];
  say("");
  warning().hidden = false;
  warning().querySelector("p").textContent =
    `Uw vraag lijkt ${list} te bevatten. Dat is niet nodig om antwoord te krijgen. Uw vraag is nog niet verstuurd.`;
  find("#vb-aanpassen").focus();
}

function adjust() {
  warning().hidden = true;
  textbox().focus();
}

function sendAnyway() {
  sentAnyway = textbox().value;
  warning().hidden = true;
  textbox().focus();
  sendButton().click();
}

const wordsOf = (quote) => [...quote.querySelectorAll("p")].map((p) => p.textContent.trim()).join(" ");

// one paste: the quote, and where it stands
async function copyQuote(quote) {
  const words = wordsOf(quote);
  const source = quote.querySelector(".vb-bron a");
  const told = [".vb-herkomst", ".vb-verlopen"].map((one) => quote.querySelector(one)?.textContent);
  const origin = [source.textContent, ...told].filter(Boolean).join(", ");
  const cited = document.createElement("div");
  cited.append(document.createElement("blockquote"), document.createElement("p"));
  cited.firstChild.textContent = `“${words}”`;
  const link = document.createElement("a");
  link.href = source.href;
  link.textContent = origin;
  cited.lastChild.append("— ", link);
  await copy(`“${words}” — ${origin}, ${source.href}`, cited.innerHTML);
}

async function copy(text, html) {
  try {
    if (html === undefined) {
      await navigator.clipboard.writeText(text);
    } else {
      const as = (type, content) => ({ [type]: new Blob([content], { type }) });
      await navigator.clipboard.write([new ClipboardItem({ ...as("text/plain", text), ...as("text/html", html) })]);
    }
    say("Gekopieerd.");
  } catch { // no permission, or a page without https, which has no clipboard
    say("Kopiëren lukt niet in deze browser.");
  }
}

function questionIsSent() {
  say("");
  clearTimeout(waiting);
  waiting = setTimeout(() => say("Even zoeken…"), WAITING_SHOWN_AFTER);
}

function say(text) {
  clearTimeout(waiting);
  const place = notice();
  if (place !== null && place.textContent !== text) place.textContent = text;
}

// what a screen reader is told of an answer: not its buttons and links, which are there to be found
function spoken(answer) {
  const lines = [...answer.querySelectorAll(".vb-antwoord > p:not(.vb-contact)")].map((p) => p.textContent);
  const quotes = [...answer.querySelectorAll(".vb-citaat")].map((quote) => {
    const source = quote.querySelector(".vb-bron").textContent.replaceAll(" › ", ", ");
    return `${wordsOf(quote)} ${source}.`;
  });
  if (quotes.length > 0) return [...lines, "Antwoord:", ...quotes].join(" ");
  const count = answer.querySelectorAll(".vb-passage").length;
  const shown = count === 1 ? ["Er staat 1 passage bij."] : [`Er staan ${count} passages bij.`];
  return [...lines, ...(count === 0 ? [] : shown)].join(" ");
}

function tell(text) {
  const place = find("#vb-voorgelezen");
  clearTimeout(telling);
  place.textContent = "";
  telling = setTimeout(() => (place.textContent = text), TOLD_AFTER);
}

function showNewestAnswer() {
  const answers = document.querySelectorAll("#vb-gesprek .bot-row");
  const newest = answers[answers.length - 1];
  // by what it says: Gradio uses the same element for another message when older ones leave the view
  const said = `${answers.length} ${newest?.textContent ?? ""}`;
  if (answers.length < 2 || newest.textContent === "" || said === newestShown) return;
  newestShown = said;
  for (const answer of answers) answer.style.minHeight = "";
  say("");
  tell(spoken(newest));
  if (newest.querySelector(".vb-melding") === null) scrollToTop(newest);
  else newest.scrollIntoView({ block: "nearest" }); // what was there stays in view
  // on a phone the focus would bring up the keyboard, over the answer
  if (warning().hidden && !(askedByButton && COARSE_POINTER.matches)) textbox().focus({ preventScroll: true });
  askedByButton = false;
}

function scrollToTop(answer) {
  const question = answer.previousElementSibling;
  const shown = question?.classList.contains("user-row") ? question : answer;
  const top = (element) => element.getBoundingClientRect().top;
  // in a low window the page scrolls, not the conversation
  const height = Math.min(log().clientHeight, window.innerHeight);
  // room below a short answer, or it could not be scrolled up to the top
  answer.style.minHeight = `${height - (top(answer) - top(shown)) - GAP}px`;
  shown.style.scrollMarginTop = `${GAP}px`;
  shown.scrollIntoView({ block: "start" });
}

// Gradio labels a message with its whole source text, in English: its content is label enough
function repairLabels() {
  for (const message of document.querySelectorAll("#vb-gesprek [data-testid][aria-label]")) {
    message.removeAttribute("aria-label");
  }
  const area = log();
  if (area !== null && area.getAttribute("aria-label") !== "Gesprek") {
    area.setAttribute("aria-label", "Gesprek");
    // Gradio makes every message anew for each answer: a live log would read them again, buttons and all
    area.setAttribute("aria-live", "off");
    area.tabIndex = 0; // so that the arrow keys can scroll it
  }
  const box = textbox();
  if (box !== null && !box.hasAttribute("data-vb")) {
    box.setAttribute("data-vb", "");
    box.setAttribute("enterkeyhint", "send");
    box.setAttribute("autocomplete", "off");
    box.setAttribute("aria-describedby", "vb-status");
    box.addEventListener("input", () => {
      // code points, as Python counts
      const over = [...box.value.trim()].length - MOST_CHARACTERS;
      warning().hidden = true;
      say(over > 0 ? `Uw vraag is ${over} ${over === 1 ? "teken" : "tekens"} te lang.` : "");
    });
  }
}

// its pop-up messages are hidden by the stylesheet
function translateToast() {
  const toast = find(".toast-body");
  if (toast !== null) say(/connection/i.test(toast.textContent) ? CONNECTION_LOST : SOMETHING_FAILED);
}

// while the event is on its way down: Gradio hears of it only after this
window.addEventListener("click", (event) => {
  const suggestion = event.target.closest(".vb-suggestie");
  if (suggestion !== null) {
    askedByButton = true;
    ask(suggestion.textContent);
  } else if (event.target.closest("#vb-verstuur") !== null) {
    if (mayBeSent(event)) questionIsSent();
  } else if (event.target.closest(".vb-kopieer") !== null) {
    copyQuote(event.target.closest(".vb-citaat"));
  } else if (event.target.closest(".vb-kopieer-vraag") !== null) {
    const question = event.target.closest(".vb-gevraagd").querySelector(".vb-vraag").textContent;
    copy(`${window.location.origin}/#q=${encodeURIComponent(question)}`);
  } else if (event.target.closest("#vb-aanpassen") !== null) {
    adjust();
  } else if (event.target.closest("#vb-toch") !== null) {
    sendAnyway();
  }
}, true);
window.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && event.target === textbox()) {
    if (mayBeSent(event)) questionIsSent();
  } else if (event.key === "Escape" && !warning().hidden) {
    adjust();
  }
}, true);
window.addEventListener("hashchange", askFromFragment);

let started = false;
new MutationObserver(() => {
  if (log() === null || textbox() === null) return;
  repairLabels();
  translateToast();
  showNewestAnswer();
  if (!started && sendButton() !== null && loading() === null) {
    started = true;
    askFromFragment();
  }
}).observe(document, { childList: true, subtree: true });
