// The element <vraagbaak-chat>.
class VraagbaakChat extends HTMLElement {
  static version = VERSION;

  connectedCallback() {
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
    this.shadowRoot.append(document.createElement("button"));
  }
}
customElements.define("vraagbaak-chat", VraagbaakChat);
