// Which personal data a text holds.
function personalData(text) {
  return /\S+@\S+\.\S+/.test(text) ? ["e-mailadres"] : [];
}
