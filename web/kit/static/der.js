// DER (ITU-T X.690 §10): writes what certificates are asked and carried with, and the base64 around it. Reads nothing.
const text = new TextEncoder();

export const join = (...parts) => {
  const arrays = parts.map((part) => (part instanceof Uint8Array ? part : new Uint8Array(part)));
  const whole = new Uint8Array(arrays.reduce((sum, part) => sum + part.length, 0));
  arrays.reduce((place, part) => (whole.set(part, place), place + part.length), 0);
  return whole;
};

const lengthOctets = (length) => {
  if (length < 128) return [length];
  const octets = [];
  for (let rest = length; rest; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [128 + octets.length, ...octets];
};

export const element = (tag, ...parts) => {
  const content = join(...parts);
  return join([tag], lengthOctets(content.length), content);
};
export const sequence = (...parts) => element(0x30, ...parts);
export const set = (...parts) => element(0x31, ...parts);
export const octets = (...parts) => element(0x04, ...parts);
export const bits = (...parts) => element(0x03, [0], ...parts);
export const tagged = (number, ...parts) => element(0xa0 + number, ...parts);
export const bmp = (words) => element(0x1e, utf16(words));
export const NULL = new Uint8Array([5, 0]);

// A whole number from its octets, without sign, most significant first.
export const unsigned = (value) => {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start += 1;
  return element(0x02, value[start] > 127 ? [0] : [], value.slice(start));
};
export const integer = (value) => {
  const found = [];
  for (let rest = value; rest; rest = Math.floor(rest / 256)) found.unshift(rest % 256);
  return unsigned(new Uint8Array(found.length ? found : [0]));
};

export const identifier = (dotted) => {
  const [first, second, ...others] = dotted.split(".").map(Number);
  const written = [first * 40 + second, ...others].flatMap((arc) => {
    const groups = [arc % 128];
    for (let rest = Math.floor(arc / 128); rest; rest = Math.floor(rest / 128)) groups.unshift(128 + (rest % 128));
    return groups;
  });
  return element(0x06, written);
};

export const utf8 = (words) => text.encode(words);
export const utf16 = (words) =>
  Uint8Array.from({ length: words.length * 2 }, (_, place) => words.charCodeAt(place >> 1) >> (place % 2 ? 0 : 8));
export const hex = (value) => [...new Uint8Array(value)].map((octet) => octet.toString(16).padStart(2, "0")).join("");
export const base64 = (value) => btoa([...new Uint8Array(value)].map((octet) => String.fromCharCode(octet)).join(""));
export const unbase64 = (words) => Uint8Array.from(atob(words), (letter) => letter.charCodeAt(0));
