// Loaded before Gradio, which takes its language from the browser: Vraagbaak speaks Dutch to everyone.
for (const [name, value] of [["language", "nl"], ["languages", ["nl"]]]) {
  Object.defineProperty(window.navigator, name, { get: () => value, configurable: true });
}
