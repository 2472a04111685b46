// The element <vraagbaak-chat>: asks the server's API and shows quotes with their sources, in a shadow DOM.
// Text gets into the page as text only, and styles as a constructed sheet: a strict CSP with Trusted Types holds.
// Round this file the server puts one function, and before it STYLE (widget.css), VERSION, TAKES_FEEDBACK and
// personalData().

const LABELS = {
  nl: {
    heading: "Stel een vraag",
    welcome: "U krijgt de zinnen te zien die uw vraag beantwoorden, letterlijk en met de bron erbij.",
    examples: "Bijvoorbeeld:",
    conversation: "Gesprek",
    label: "Uw vraag",
    send: "Vraag",
    restart: "Nieuw gesprek",
    restarted: "Er is een nieuw gesprek begonnen.",
    close: "Sluiten",
    asked: "U vroeg:",
    answer: "Antwoord:",
    source: "Bron:",
    newTab: " (opent in een nieuw tabblad)",
    original: "Op de oorspronkelijke pagina",
    updated: "Bijgewerkt",
    outdated: "Let op: geldt alleen",
    from: "vanaf",
    until: "tot en met",
    elsewhere: (count) => `Staat ook op ${count} andere plek${count > 1 ? "ken" : ""}`,
    copy: "Kopieer met bron",
    copied: "Gekopieerd",
    notCopied: "Kopiëren lukt hier niet",
    passage: "Lees de hele passage",
    passages: (count) => `Lees alle ${count} passages`,
    askAlso: "Stel ook eens:",
    canAsk: "Dit kunt u wel vragen:",
    searching: "Even zoeken…",
    searchingLong: "Dit duurt langer dan anders. Nog even geduld…",
    stillBusy: "Uw vorige vraag wordt nog beantwoord. Nog even geduld.",
    empty: "Typ eerst een vraag.",
    tooLong: (over) => `Uw vraag is ${over} ${over === 1 ? "teken" : "tekens"} te lang. Hoogstens 500.`,
    failed: "Er ging iets mis. Dat ligt aan ons, niet aan u.",
    unreachable: "Uw vraag kwam niet aan: er is geen verbinding. Uw vraag is bewaard.",
    timeout: "Het antwoord blijft te lang uit. Uw vraag is bewaard.",
    interrupted: "Uw vraag is nog niet beantwoord.",
    retry: "Opnieuw proberen",
    personal: (found) => `Uw vraag lijkt ${found} te bevatten. Dat is niet nodig om antwoord te krijgen. Uw vraag is nog niet verstuurd.`,
    kinds: {
      bsn: "een burgerservicenummer",
      email: "een e-mailadres",
      phone: "een telefoonnummer",
      iban: "een rekeningnummer",
      address: "een adres",
    },
    and: "en",
    sendAnyway: "Toch versturen",
    adjust: "Aanpassen",
    helpful: "Heeft u hier iets aan?",
    yes: "Ja",
    no: "Nee",
    why: "Bedankt. Waarom niet?",
    reasons: ["Het antwoord klopt niet", "Dit vroeg ik niet", "Ik begrijp het niet", "Iets anders"],
    thanks: "Bedankt voor uw reactie.",
    notKept: "Uw reactie kon niet worden bewaard. Probeer het later opnieuw.",
    promise: "Elk citaat staat letterlijk in de bron.",
  },
  en: {
    heading: "Ask a question",
    welcome: "Ask in Dutch. You get the sentences that answer your question, word for word, with their source.",
    examples: "For example:",
    conversation: "Conversation",
    label: "Your question",
    send: "Ask",
    restart: "New conversation",
    restarted: "A new conversation has begun.",
    close: "Close",
    asked: "You asked:",
    answer: "Answer:",
    source: "Source:",
    newTab: " (opens in a new tab)",
    original: "On the original page",
    updated: "Updated",
    outdated: "Note: holds only",
    from: "from",
    until: "until",
    elsewhere: (count) => `Also at ${count} other place${count > 1 ? "s" : ""}`,
    copy: "Copy with source",
    copied: "Copied",
    notCopied: "Copying does not work here",
    passage: "Read the whole passage",
    passages: (count) => `Read all ${count} passages`,
    askAlso: "You could also ask:",
    canAsk: "What you can ask:",
    searching: "Searching…",
    searchingLong: "This takes longer than usual. One moment please…",
    stillBusy: "Your last question is still being answered. One moment please.",
    empty: "Type a question first.",
    tooLong: (over) => `Your question is ${over} ${over === 1 ? "character" : "characters"} too long. At most 500.`,
    failed: "Something went wrong. It is our fault, not yours.",
    tooMany: "There are too many questions at once. Please try again in a minute.",
    unreachable: "Your question did not arrive: there is no connection. It has been kept.",
    timeout: "The answer takes too long. Your question has been kept.",
    interrupted: "Your question has not been answered yet.",
    retry: "Try again",
    personal: (found) => `Your question seems to hold ${found}. That is not needed to get an answer. It has not been sent yet.`,
    kinds: {
      bsn: "a citizen service number",
      email: "an e-mail address",
      phone: "a phone number",
      iban: "an account number",
      address: "an address",
    },
    and: "and",
    sendAnyway: "Send anyway",
    adjust: "Change it",
    helpful: "Is this of use to you?",
    yes: "Yes",
    no: "No",
    why: "Thank you. Why not?",
    reasons: ["The answer is wrong", "Not what I asked", "I do not understand it", "Something else"],
    thanks: "Thank you for your response.",
    notKept: "Your response could not be kept. Please try again later.",
    promise: "Every quote stands word for word in the source.",
  },
};

const MOST_CHARACTERS = 500; // of a question, and the next two: as in questions.py
const MOST_EARLIER = 10; // questions that are sent along
const MOST_TURNS = 30; // that are kept
const SHOWN_AFTER = 400; // ms until it says that it is searching; an answer is mostly there before
const LONG_AFTER = 5000; // ms
const GIVEN_UP_AFTER = 25000; // ms
const FAILED_AFTER = 300; // ms
const COPIED_FOR = 3000; // ms that a button says so
const SMALL = "(max-width: 40em), (max-height: 26em)"; // as in widget.css: the panel fills the window
const FALLBACK_LANGUAGE = "nl";
const FILTERS = "sources publishers languages licences since valid_on".split(" "); // as in the API

const SCRIPT = document.currentScript;
// also where the server is a folder of its host
const SERVER = SCRIPT?.src ? new URL(".", SCRIPT.src).href : window.location.origin;

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

/** An element with attributes (on… is a listener, part a class too) and children; what is null is left out. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
    if (name === "part") element.classList.add(value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A text with stretches of it marked. The offsets count code points, as the server does; JavaScript's do not. */
function marked(text, highlights) {
  const characters = [...text];
  const cut = (start, end) => characters.slice(start, end).join("");
  const parts = [];
  let done = 0;
  for (const [start, end] of highlights) {
    parts.push(cut(done, start), make("mark", {}, cut(start, end)));
    done = end;
  }
  return [...parts, cut(done)];
}

function placeOf(citation) {
  const place = [...new Set([citation.title, ...citation.headings])].join(" › ");
  return citation.page ? `${place}, p. ${citation.page}` : place;
}

function listed(text, separator) {
  return (text ?? "").split(separator).map((one) => one.trim()).filter(Boolean);
}

function paragraphs(text) {
  const lines = (text ?? "").split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => make("p", {}, line));
}

/** What an abstention says: the rest of its text is shown in a form of its own. */
function verdictOf(reply) {
  return (reply.notice ? reply.text.slice(reply.notice.length).trimStart() : reply.text).split("\n\n")[0];
}

/** The brightness of a colour from 0 to 1 (WCAG 2.2, "relative luminance"); null where it is not plain RGB. */
function luminance(colour) {
  const match = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour);
  if (match === null) return null;
  const [red, green, blue] = match.slice(1).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function refused(status, detail) {
  return Object.assign(new Error(detail), { status });
}

class VraagbaakChat extends HTMLElement {
  static observedAttributes = "heading welcome color lang suggestions".split(" ");
  static version = VERSION;

  #root = this.attachShadow({ mode: "open" });
  #theme = new CSSStyleSheet();
  #floats = false; // or stands in the text; it stays what it was when the page got it
  #storageKey = "";
  #turns = []; // { question, reply } or { question, failure }; neither while it is being answered
  #focusedBefore = null;
  #parts = null;
  #waiting = null;
  #listening = null;

  connectedCallback() {
    this.#listen();
    if (this.#parts !== null) return this.#reopen(); // moved within the page
    this.#floats = !["inline", null].includes(this.getAttribute("position"));
    // of two without an id on one page, each has a conversation of its own
    const number = this.id || [...document.querySelectorAll("vraagbaak-chat")].indexOf(this);
    this.#storageKey = `vraagbaak ${this.#server} ${number}`;
    this.#root.adoptedStyleSheets = [sheet, this.#theme];
    this.#parts = this.#build();
    this.#label();
    const kept = this.#kept();
    for (const turn of kept.turns) this.#add(turn);
    this.#parts.box.value = kept.draft;
    this.#fit();
    if (this.#floats && !matchMedia(SMALL).matches && (this.hasAttribute("open") || kept.isOpen)) this.#show();
  }

  disconnectedCallback() {
    this.#listening.abort();
  }

  attributeChangedCallback() {
    if (this.#parts !== null) this.#label();
  }

  /** Open the panel, and put the focus into it. */
  open() {
    if (this.#parts === null) return;
    const { panel, box, title } = this.#parts;
    if (this.#floats && !panel.open) {
      const focused = document.activeElement;
      this.#focusedBefore = focused === this || focused === document.body ? null : focused;
      this.#show();
      this.#emit("open");
      this.#save();
    }
    // on a phone the focus in the text box would bring up the keyboard, over the suggestions
    (matchMedia("(pointer: coarse)").matches ? title : box).focus();
  }

  /** Close the panel, and give the focus back to where it was. */
  close() {
    if (!this.#floats || !this.#parts?.panel.open) return;
    this.#parts.panel.close();
    this.#closed();
  }

  /** Open the panel and ask; where the question holds personal data, the visitor is asked first. */
  ask(question) {
    if (this.#parts === null) return;
    this.open();
    this.#askFor(String(question).trim());
  }

  /** Begin a new conversation. */
  restart() {
    if (this.#parts === null) return;
    this.#waiting?.abort();
    this.#waiting = null;
    this.#turns = [];
    this.#parts.box.value = "";
    this.#changed();
    this.#parts.turns.replaceChildren();
    this.#dismissWarning();
    this.#say(this.#labels.restarted);
    this.#save();
    this.#parts.box.focus();
  }

  get #language() {
    const language = this.lang.slice(0, 2).toLowerCase(); // of "en-GB"
    return LABELS[language] ? language : FALLBACK_LANGUAGE;
  }

  get #labels() {
    return LABELS[this.#language];
  }

  get #server() {
    return (this.getAttribute("server") ?? SERVER).replace(/\/+$/, "");
  }

  // ---- building

  #build() {
    const floats = this.#floats;
    const title = make("h2", { id: "title", part: "heading", tabindex: "-1" });
    const restart = make("button", { type: "button", class: "plain", onclick: () => this.restart() });
    const close = make("button", { type: "button", class: "plain close", onclick: () => this.close() }, "✕");
    const welcome = make("div", { part: "welcome" });
    const turns = make("div", { class: "turns" });
    const log = make("div", { part: "log", role: "region", tabindex: "0" }, welcome, turns);
    const status = make("div", { class: "unseen", role: "status" });
    const warning = make("div", { part: "warning", role: "alert", hidden: "" });
    const hint = make("p", { id: "hint", class: "hint" });
    const label = make("label", { for: "box" });
    const box = make("textarea", {
      id: "box",
      part: "textbox",
      rows: "1",
      autocomplete: "off",
      enterkeyhint: "send",
      "aria-describedby": "hint",
      onkeydown: (event) => this.#typed(event),
      oninput: () => {
        this.#parts.warning.hidden = true; // it was about another text
        this.#changed();
      },
    });
    const send = make("button", { type: "submit", class: "primary", part: "send" });
    const form = make(
      "form",
      {
        part: "form",
        onsubmit: (event) => {
          event.preventDefault();
          this.#submit();
        },
      },
      label,
      make("div", { class: "bar" }, box, send),
      hint,
    );
    const promise = make("p", { class: "promise" });
    const header = make("div", { part: "header" }, title, restart, floats ? close : null);
    const panel = make(
      floats ? "dialog" : "section",
      { class: floats ? "panel floating" : "panel", part: "panel", "aria-labelledby": "title" },
      header,
      log,
      warning,
      make("div", { class: "foot" }, form, promise),
      status,
    );
    const launcher = make("button", { type: "button", part: "launcher", "aria-haspopup": "dialog", onclick: () => this.open() });
    if (floats) {
      this.#root.append(launcher);
      panel.addEventListener("close", () => this.#closed()); // the browser may close it too, by its own back gesture
      panel.addEventListener("cancel", (event) => this.#escaped(event));
    }
    this.#root.append(panel);
    return { box, close, form, hint, label, launcher, log, panel, promise, restart, send, status, title, turns, warning, welcome };
  }

  /** Every word that depends on an attribute, and the colour. */
  #label() {
    const { close, label, launcher, log, promise, restart, send, title, welcome } = this.#parts;
    const labels = this.#labels;
    this.#root.querySelector(".panel").lang = this.#language;
    title.textContent = this.getAttribute("heading") ?? labels.heading;
    launcher.textContent = labels.heading;
    restart.textContent = labels.restart;
    close.setAttribute("aria-label", labels.close);
    log.setAttribute("aria-label", labels.conversation);
    label.textContent = labels.label;
    send.textContent = labels.send;
    promise.textContent = labels.promise;
    const examples = listed(this.getAttribute("suggestions"), "|");
    welcome.replaceChildren(
      ...paragraphs(this.getAttribute("welcome") ?? labels.welcome),
      ...this.#suggestions(labels.examples, examples),
    );
    this.#colour(this.getAttribute("color"));
  }

  /** Header and buttons in a colour of the site's own, with black or white on it: whichever can be read better. */
  #colour(colour) {
    this.#theme.replaceSync("");
    if (colour === null) return;
    const probe = make("span", { hidden: "" });
    if (CSS.supports("color", colour)) {
      this.#root.append(probe);
      probe.style.color = colour;
      const brightness = luminance(getComputedStyle(probe).color);
      probe.remove();
      if (brightness !== null) {
        // 0.179: where black and white contrast alike
        const over = brightness > 0.179 ? "#000" : "#fff";
        this.#theme.replaceSync(`:host { --_accent: ${colour}; --_on-accent: ${over}; }`);
        return;
      }
    }
    console.warn(`vraagbaak-chat: color="${colour}" is not used: no opaque colour`);
  }

  /** To the page, for as long as the element is part of it. */
  #listen() {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    window.addEventListener("pagehide", () => this.#save(), { signal });
    matchMedia(SMALL).addEventListener("change", () => this.#reopen(), { signal });
    const escape = (event) => event.key === "Escape" && this.#escaped(event);
    document.addEventListener("keydown", escape, { signal });
  }

  // ---- the panel

  #show() {
    const { panel, launcher } = this.#parts;
    const focused = document.activeElement;
    if (matchMedia(SMALL).matches) panel.showModal();
    else panel.show();
    // show() takes the focus; open() puts it where it belongs, and at load it stays with the page
    if (focused === document.body) this.#root.activeElement?.blur();
    else if (focused !== this) focused?.focus({ preventScroll: true });
    launcher.hidden = true;
    this.#fit();
    this.#showNewest();
  }

  /** Modal or not, as the window now asks; the element was moved, or the window changed. */
  #reopen() {
    const { panel } = this.#parts;
    if (!this.#floats || !panel.open) return;
    const focused = this.#root.activeElement;
    panel.close();
    this.#show();
    focused?.focus();
  }

  #closed() {
    const { launcher, panel } = this.#parts;
    if (panel.open || !launcher.hidden) return;
    const hadFocus = document.activeElement === this || document.activeElement === document.body;
    launcher.hidden = false;
    if (hadFocus) {
      const back = this.#focusedBefore?.isConnected ? this.#focusedBefore : launcher;
      back.focus();
    }
    this.#focusedBefore = null;
    this.#save();
    this.#emit("close");
  }

  #escaped(event) {
    const isOpen = this.#floats && this.#parts.panel.open;
    // what has the focus may lie behind the panel: Escape shows it (WCAG 2.4.11); a dialog of the site goes first
    const isOurs = event.composedPath().includes(this) || (isOpen && !document.querySelector(":modal"));
    if (event.defaultPrevented || !isOurs || (this.#parts.warning.hidden && !isOpen)) return;
    event.preventDefault();
    if (!this.#dismissWarning()) this.close();
  }

  #say(text) {
    const { status } = this.#parts;
    status.textContent = "";
    // emptied first, or the same words would not be said again
    setTimeout(() => (status.textContent = text), 50);
  }

  #emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(`vraagbaak:${name}`, { detail, bubbles: true }));
  }

  // ---- asking

  #typed(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    }
  }

  #changed() {
    // code points, as the server counts
    const over = [...this.#parts.box.value.trim()].length - MOST_CHARACTERS;
    this.#parts.hint.textContent = over > 0 ? this.#labels.tooLong(over) : "";
    this.#fit();
  }

  /** The text box as high as its text; the stylesheet says how high at most. */
  #fit() {
    const { box } = this.#parts;
    box.style.height = "";
    const borders = box.offsetHeight - box.clientHeight;
    if (box.scrollHeight > box.clientHeight) box.style.height = `${box.scrollHeight + borders}px`;
  }

  #submit(isConfirmed = false) {
    const { box, hint } = this.#parts;
    const question = box.value.trim();
    this.#dismissWarning();
    this.#changed();
    if (hint.textContent !== "") return this.#say(hint.textContent);
    if (question === "") return this.#tell(this.#labels.empty);
    if (this.#waiting !== null) return this.#tell(this.#labels.stillBusy);
    const found = isConfirmed ? [] : personalData(question);
    if (found.length > 0) return this.#warn(found);
    box.value = "";
    this.#changed();
    return this.#answer({ question });
  }

  #tell(text) {
    this.#parts.hint.textContent = text;
    this.#say(text);
  }

  #warn(found) {
    const labels = this.#labels;
    const kinds = found.map((kind) => labels.kinds[kind]);
    const named = [kinds.slice(0, -1).join(", "), kinds.at(-1)].filter(Boolean).join(` ${labels.and} `);
    const adjust = make("button", { type: "button", onclick: () => this.#dismissWarning() }, labels.adjust);
    const anyway = make("button", { type: "button", onclick: () => this.#submit(true) }, labels.sendAnyway);
    const { warning } = this.#parts;
    warning.replaceChildren(make("p", {}, labels.personal(named)), make("div", { class: "choices" }, adjust, anyway));
    warning.hidden = false;
    adjust.focus();
  }

  /** Whether there was a warning. */
  #dismissWarning() {
    const { warning, box } = this.#parts;
    if (warning.hidden) return false;
    warning.hidden = true;
    box.focus();
    return true;
  }

  async #answer(turn) {
    const labels = this.#labels;
    this.#add(turn);
    this.#showNewest();
    this.#save();
    this.#emit("question", { question: turn.question });
    const waiting = new AbortController();
    this.#waiting = waiting;
    const timers = [
      setTimeout(() => this.#waits(turn, labels.searching), SHOWN_AFTER),
      setTimeout(() => this.#waits(turn, labels.searchingLong), LONG_AFTER),
      setTimeout(() => waiting.abort(), GIVEN_UP_AFTER),
    ];
    try {
      const earlier = this.#turns.filter((one) => one.reply).map((one) => one.question);
      const asked = { question: turn.question, history: earlier.slice(-MOST_EARLIER) };
      for (const name of FILTERS) {
        const value = this.getAttribute(name.replace("_", "-"));
        if (value) (asked.filter ??= {})[name] = name.endsWith("s") ? listed(value, ",") : value;
      }
      const reply = await this.#post("answers", asked, waiting.signal);
      this.#check(turn.question, reply);
      turn.reply = reply;
    } catch (error) {
      // leaving the page ends the request too: then this waits for ever, and the next page says so
      if (error instanceof TypeError) await new Promise((done) => setTimeout(done, FAILED_AFTER));
      turn.failure = this.#told(error);
      turn.status = error.status ?? 0;
    }
    timers.forEach(clearTimeout);
    if (this.#waiting !== waiting) return; // a new conversation was begun
    this.#waiting = null;
    this.#changed(); // it may say that this was being waited for
    this.#draw(turn);
    this.#showNewest();
    this.#save();
    if (turn.reply) {
      this.#say(this.#spoken(turn.reply));
      this.#emit("answer", { question: turn.question, reply: turn.reply });
    } else {
      this.#say(turn.failure);
      this.#emit("error", { question: turn.question, status: turn.status });
    }
  }

  /** What cannot be shown is no reply: something between here and the server answered in its place. */
  #check(question, reply) {
    try {
      this.#shown(question, reply);
      this.#spoken(reply);
    } catch {
      throw refused(200, this.#labels.failed);
    }
  }

  async #post(resource, body, signal = null) {
    const response = await fetch(`${this.#server}/api/v1/${resource}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal,
    });
    const read = await response.json().catch(() => null);
    if (!response.ok || read === null) throw refused(response.status, read?.detail ?? "");
    return read;
  }

  /** Why there is no answer; the server speaks Dutch, and knows best what was wrong with a request. */
  #told(error) {
    const { failed, timeout, tooMany, unreachable } = this.#labels;
    if (error.name === "AbortError") return timeout;
    if (error instanceof TypeError) return unreachable;
    if (tooMany && [429, 503].includes(error.status)) return tooMany;
    return (this.#language === "nl" && error.message) || failed;
  }

  #waits(turn, text) {
    turn.element.querySelector(".answer").replaceChildren(make("p", { class: "waiting" }, text));
    this.#say(text);
  }

  #retry(turn) {
    if (this.#waiting !== null) return this.#tell(this.#labels.stillBusy);
    turn.element.remove();
    this.#turns.splice(this.#turns.indexOf(turn), 1);
    this.#parts.box.focus();
    return this.#answer({ question: turn.question });
  }

  // ---- the conversation

  #add(turn) {
    turn.element = make("div", { part: "turn" });
    this.#turns.push(turn);
    while (this.#turns.length > MOST_TURNS) this.#turns.shift().element.remove();
    this.#parts.turns.append(turn.element);
    this.#draw(turn);
  }

  #draw(turn) {
    const asked = make("span", { class: "unseen" }, `${this.#labels.asked} `);
    const question = make("h3", { part: "question" }, asked, turn.question);
    const answer = make("div", { part: "answer" });
    if (turn.reply) answer.append(...this.#shown(turn.question, turn.reply).filter(Boolean));
    else if (turn.failure) {
      const retry = make("button", { type: "button", onclick: () => this.#retry(turn) }, this.#labels.retry);
      answer.append(make("div", { part: "notice" }, make("p", {}, turn.failure), retry));
    }
    turn.element.replaceChildren(question, answer);
  }

  /** The newest question at the top of what is in view, so that its answer is read from the start. */
  #showNewest() {
    const newest = this.#turns.at(-1)?.element;
    if (!newest) return;
    const { log } = this.#parts;
    const moved = newest.getBoundingClientRect().top - log.getBoundingClientRect().top;
    if (log.scrollHeight > log.clientHeight) log.scrollTop += moved;
    else newest.scrollIntoView({ block: "nearest" });
  }

  #shown(question, reply) {
    const labels = this.#labels;
    const dutch = (children) => make("div", { lang: FALLBACK_LANGUAGE }, ...children);
    const suggestions = (heading) => this.#suggestions(heading, reply.suggestions);
    const contact = reply.contact ? [this.#contact(reply.contact)] : [];
    if (reply.status === "answered") {
      return [
        ...(reply.notice ? [dutch(paragraphs(reply.notice))] : []),
        ...reply.quotes.map((quote) => this.#quote(quote, reply.citations[quote.citation - 1])),
        this.#folded(reply.citations),
        this.#feedback(question, reply),
        ...suggestions(labels.askAlso),
        ...contact,
      ];
    }
    const told = reply.status === "abstained" ? [...paragraphs(reply.notice), ...paragraphs(verdictOf(reply))] : paragraphs(reply.text);
    return [
      dutch(told),
      ...reply.citations.map((citation) => this.#passage(citation)),
      ...(reply.status === "abstained" ? [...contact, this.#feedback(question, reply)] : contact),
      ...suggestions(reply.status === "abstained" ? labels.canAsk : labels.examples),
    ];
  }

  #quote(quote, citation) {
    const { copy, source } = this.#labels;
    const lead = quote.lead ? make("p", { class: "lead" }, quote.lead.text) : null;
    const button = make("button", { type: "button", class: "plain", onclick: () => this.#copy(button, quote, citation) }, copy);
    const figure = make(
      "figure",
      {},
      make("blockquote", { lang: FALLBACK_LANGUAGE }, lead, make("p", {}, quote.text)),
      make("figcaption", { part: "citation" }, `${source} `, this.#sourceLink(citation), ...this.#origin(citation)),
    );
    return make("div", { part: "quote" }, figure, button);
  }

  #folded(citations) {
    const { passage, passages } = this.#labels;
    const summary = make("summary", {}, citations.length === 1 ? passage : passages(citations.length));
    return make("details", { part: "passages" }, summary, ...citations.map((citation) => this.#passage(citation)));
  }

  #passage(citation) {
    return make(
      "figure",
      { part: "passage" },
      make("figcaption", { part: "citation" }, this.#sourceLink(citation)),
      make("p", { lang: FALLBACK_LANGUAGE }, ...marked(citation.text, citation.highlights)),
      this.#elsewhere(citation),
    );
  }

  #elsewhere({ other_places: places, other_place_count: count }) {
    if (!count) return null;
    const items = places.map((place) => make("li", {}, this.#sourceLink(place)));
    return make("details", {}, make("summary", {}, this.#labels.elsewhere(count)), make("ul", {}, ...items));
  }

  #sourceLink(citation) {
    return this.#link(`${this.#server}${citation.source_url}`, placeOf(citation), FALLBACK_LANGUAGE);
  }

  #origin(citation) {
    const parts = this.#known(citation).map((part) => make("span", { class: "date" }, part));
    return citation.original_url ? [...parts, this.#link(citation.original_url, this.#labels.original)] : parts;
  }

  /** When and by whom it was published, and on which days alone it holds. */
  #known({ date, modified, publisher, version, outdated, valid_from: first, valid_until: last }) {
    const { updated, outdated: holds, from, until } = this.#labels;
    const form = { dateStyle: "long", timeZone: "UTC" };
    const day = (one, label = "") => one && `${label} ${new Date(one).toLocaleDateString(this.#language, form)}`.trim();
    return [
      modified && modified >= (date ?? "") ? day(modified, updated) : day(date),
      publisher,
      version && `v${version}`,
      outdated && [holds, day(first, from), day(last, until)].filter(Boolean).join(" "),
    ].filter(Boolean);
  }

  #link(url, text, language = null) {
    if (!/^(https?:|mailto:|tel:)/.test(url)) return make("span", {}, text);
    if (!url.startsWith("http")) return make("a", { href: url }, text);
    const unseen = make("span", { class: "unseen" }, this.#labels.newTab);
    return make("a", { href: url, target: "_blank", rel: "noopener" }, make("span", { lang: language }, text), unseen);
  }

  #contact({ text, url }) {
    const whole = url?.startsWith("/") ? `${this.#server}${url}` : url;
    return make("p", { part: "contact", lang: FALLBACK_LANGUAGE }, whole ? this.#link(whole, text) : text);
  }

  #suggestions(heading, questions) {
    if (questions.length === 0) return [];
    const items = questions.map((question) =>
      make("li", {}, make("button", { type: "button", part: "suggestion", lang: FALLBACK_LANGUAGE, onclick: () => this.#suggested(question) }, question)),
    );
    return [make("p", { class: "small" }, heading), make("ul", { class: "suggestions", role: "list" }, ...items)];
  }

  #suggested(question) {
    this.#askFor(question);
    if (this.#parts.warning.hidden && !matchMedia("(pointer: coarse)").matches) this.#parts.box.focus();
  }

  /** Ask what the visitor did not type; what was being typed is kept. */
  #askFor(question) {
    const { box, warning } = this.#parts;
    if (this.#waiting !== null) return this.#tell(this.#labels.stillBusy);
    const draft = box.value;
    box.value = question;
    this.#submit();
    if (!warning.hidden) return;
    box.value ||= draft;
    this.#changed();
  }

  // ---- copying and feedback

  async #copy(button, quote, citation) {
    const { copy, copied, notCopied } = this.#labels;
    const url = this.#server + citation.source_url;
    const told = [placeOf(citation), ...this.#known(citation), url].join(", ");
    const lead = quote.lead ? `${quote.lead.text} ` : "";
    let text = copied;
    try {
      await navigator.clipboard.writeText(`“${lead}${quote.text}” — ${told}`);
    } catch {
      text = notCopied; // refused by the visitor or the site, or a page without https
    }
    button.textContent = text;
    this.#say(text);
    setTimeout(() => (button.textContent = copy), COPIED_FOR);
  }

  #feedback(question, reply) {
    const { helpful, yes, no, why, reasons, thanks, notKept } = this.#labels;
    if (!TAKES_FEEDBACK || this.getAttribute("feedback") === "off" || reply.rated) return null;
    const place = make("div", { part: "feedback", role: "group", "aria-label": helpful });
    const fill = (text, ...buttons) => {
      const hadFocus = place.contains(this.#root.activeElement);
      const line = make("p", { class: "small", tabindex: "-1" }, text);
      place.replaceChildren(line, ...buttons);
      if (hadFocus) line.focus(); // which says it too
      else if (buttons.length === 0) this.#say(text);
    };
    const button = (text, onclick) => make("button", { type: "button", onclick }, text);
    // a refusal has nothing in it that is wrong
    const possible = reply.status === "answered" ? reasons : reasons.slice(1);
    let isSending = false;
    const tell = async (isHelpful, reason = null) => {
      if (isSending) return;
      isSending = true;
      const told = { question, answer_id: reply.id, helpful: isHelpful, ...(reason && { reason }) };
      try {
        await this.#post("feedback", told);
        reply.rated = true;
        this.#save();
        this.#emit("feedback", told);
        if (isHelpful || reason) fill(thanks);
        else fill(why, ...possible.map((one) => button(one, () => tell(false, LABELS.nl.reasons[reasons.indexOf(one)]))));
      } catch {
        ask(notKept);
      }
      isSending = false;
    };
    const ask = (text) => fill(text, button(yes, () => tell(true)), button(no, () => tell(false)));
    ask(helpful);
    return place;
  }

  /** What a screen reader is told of a reply, once: the log itself is no live region. */
  #spoken(reply) {
    const { answer, source } = this.#labels;
    if (reply.status === "smalltalk") return reply.text;
    if (reply.status === "abstained") return [reply.notice, verdictOf(reply)].filter(Boolean).join(" ");
    const quotes = reply.quotes.map(({ text, citation }) => `${text} ${source} ${reply.citations[citation - 1].title}.`);
    return [reply.notice, answer, ...quotes].filter(Boolean).join(" ");
  }

  // ---- what moves along to the next page of the site

  get #keeps() {
    return this.getAttribute("storage") !== "none";
  }

  #kept() {
    const nothing = { turns: [], draft: "", isOpen: false };
    if (!this.#keeps) return nothing;
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#storageKey));
      if (kept?.version !== VERSION) return nothing;
      const failure = this.#labels.interrupted;
      for (const { question, reply } of kept.turns) if (reply) this.#check(question, reply);
      const turns = kept.turns.map((turn) => (turn.reply || turn.failure ? turn : { ...turn, failure }));
      return { ...kept, turns };
    } catch {
      return nothing; // the browser keeps nothing for this site, or something else wrote there
    }
  }

  #save() {
    if (!this.#keeps) return;
    const turns = this.#turns.map(({ question, reply, failure }) => ({ question, reply, failure }));
    const { box, panel } = this.#parts;
    const draft = personalData(box.value).length > 0 ? "" : box.value; // what is not sent is not kept either
    const kept = { version: VERSION, turns, draft, isOpen: this.#floats && panel.open };
    try {
      sessionStorage.setItem(this.#storageKey, JSON.stringify(kept));
    } catch {
      // blocked or full: the conversation lives as long as the page
    }
  }
}

/** The button in the corner, for a page that has no <vraagbaak-chat> of its own; data-… are its attributes. */
function addLauncher() {
  if (document.querySelector("vraagbaak-chat") !== null) return;
  const chat = document.createElement("vraagbaak-chat");
  chat.setAttribute("position", "right");
  for (const { name, value } of SCRIPT?.attributes ?? []) {
    if (name.startsWith("data-")) chat.setAttribute(name.slice("data-".length), value);
  }
  document.body.append(chat);
}

if (customElements.get("vraagbaak-chat") === undefined) {
  customElements.define("vraagbaak-chat", VraagbaakChat);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", addLauncher);
  else addLauncher();
}
