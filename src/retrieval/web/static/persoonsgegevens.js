// What a question seems to hold of personal data: some of "bsn", "email", "phone", "iban" and "address", in this
// order. personal_data.py does the same on the server, and tells of each pattern why it is so.
function personalData(text) {
  const found = new Set();
  let rest = text.replace(/[\u00a0\u2009\u202f]/g, " ").replace(/[‐‑–−]/g, "-");
  const look = (kind, pattern, isOne = () => true) => {
    rest = rest.replace(pattern, (match, group) => (isOne(match, group) && found.add(kind) ? ";" : match));
  };
  const elevenTest = (match, amount) => {
    const digits = match.replace(/\D/g, "");
    const sum = [...digits].reduce((total, digit, i) => total + digit * (i < 8 ? 9 - i : -1), 0);
    return amount === undefined && sum % 11 === 0 && digits > 0;
  };
  const isIban = (typed) => {
    const compact = typed.replace(/[ .-]/g, "");
    const moved = compact.slice(4) + compact.slice(0, 4);
    return compact.length > 14 && [...moved].reduce((left, sign) => `${left}${parseInt(sign, 36)}` % 97, "") === 1;
  };
  // words behind it may look like a part of it
  const startsWithIban = (match) => [...match.matchAll(/\b(?=[ .-]|$)/g)].some((end) => isIban(match.slice(0, end.index)));
  const postcode = String.raw`[1-9]\d{3}(?:[A-Za-z]{2}| (?!(?:al|cm|de|en|er|gb|ik|in|is|je|kg|km|mb|mm|na|nu|of|om|op|te|tm|we|ze|zo)\b)[A-Za-z]{2})`;

  look("email", /[^\s@,;:<>()[\]"]{1,64}@(?:[^\s@.,;:<>()[\]"?!/]+\.)+[^\s@.,;:<>()[\]"'?!/\d-]{2,}/g);
  look("iban", /\b[A-Za-z]{2}\d\d(?:[ .-]?[A-Za-z0-9]){11,30}\b/g, startsWithIban);
  look("phone", /(?:(?:\+|\b00)31[ .-]{0,2}(?:\(0\))?(?:[ .-]{0,3}\d){9}|\(?\b(?!0[89]0[069])(?!\d\d[-./ ]\d\d[-./ ](?:19|20)\d\d\b)0(?:6(?:[)( ./-]{0,3}\d){8}|[1-9]\d(?:[)( ./-]{0,3}\d){7}))\b/g);
  look("phone", /(?:\+|\b00)(?!31)[1-9](?:[)( ./-]{0,3}\d){6,14}\b/g);
  look("bsn", /(€ ?|\d[.,])?\b\d(?:[ .-]?\d){8}\b(?![.,-]\d| ?(?:euro|€))/g, elevenTest);
  look("address", RegExp(String.raw`\b(?:${postcode}[ ,]{0,2}(?:(?:huis)?(?:nummer|nr)\.? ?)?\d{1,5}(?: ?[A-Za-z]\b|[A-Za-z]{0,2}\b)|\d{1,5} ?(?:[A-Za-z]{1,2}|[-/]\d{1,4})?[ ,\n]{1,3}${postcode})\b`, "g"));
  return ["bsn", "email", "phone", "iban", "address"].filter((kind) => found.has(kind));
}
