// A .p12 file (PKCS#12, RFC 7292) made in this browser: keys under PBES2 with AES-256 (RFC 8018), certificates too, and a MAC.
import { NULL, bmp, element, identifier, integer, join, octets, sequence, set, tagged, utf16, utf8 } from "./der.js";

const ITERATIONS = 200_000; // of PBKDF2, for each thing that is encrypted
const MAC_ITERATIONS = 10_000; // of a derivation that WebCrypto lacks: the password is long because of it
const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; // 32 of them: five bits each
const [DATA, ENCRYPTED] = ["1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"].map(identifier);
const [KEY_BAG, CERTIFICATE_BAG] = ["1.2.840.113549.1.12.10.1.2", "1.2.840.113549.1.12.10.1.3"].map(identifier);
const X509 = identifier("1.2.840.113549.1.9.22.1");
const [FRIENDLY_NAME, LOCAL_KEY] = ["1.2.840.113549.1.9.20", "1.2.840.113549.1.9.21"].map(identifier);
const [PBES2, PBKDF2] = ["1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12"].map(identifier);
const [HMAC_SHA256, AES256, SHA256] = ["1.2.840.113549.2.9", "2.16.840.1.101.3.4.1.42", "2.16.840.1.101.3.4.2.1"].map(identifier);

const random = (count) => crypto.getRandomValues(new Uint8Array(count));

// A password of 100 bits, to be written down: nobody guesses it, whatever the reader's program derives it with.
export const newPassword = () =>
  [...random(20)].map((octet, place) => (place && place % 5 === 0 ? "-" : "") + LETTERS[octet % 32]).join("");

async function encrypted(password, secret) {
  const [salt, iv] = [random(16), random(16)];
  const base = await crypto.subtle.importKey("raw", utf8(password), "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  const key = await crypto.subtle.deriveKey(derivation, base, { name: "AES-CBC", length: 256 }, false, ["encrypt"]);
  const parameters = sequence(octets(salt), integer(ITERATIONS), sequence(HMAC_SHA256, NULL));
  const algorithm = sequence(PBES2, sequence(sequence(PBKDF2, parameters), sequence(AES256, octets(iv))));
  return { algorithm, value: new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, secret)) };
}

// RFC 7292 appendix B.2, for one block of SHA-256 and the purpose 3: integrity.
async function macKey(password, salt) {
  const filled = (value) => {
    const whole = new Uint8Array(64 * Math.ceil(value.length / 64));
    return whole.map((_, place) => value[place % value.length]);
  };
  let key = join(new Uint8Array(64).fill(3), filled(salt), filled(utf16(`${password}\0`)));
  for (let turn = 0; turn < MAC_ITERATIONS; turn += 1) key = new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  return crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

const certificateBag = (certificate, ...attributes) =>
  sequence(CERTIFICATE_BAG, tagged(0, sequence(X509, tagged(0, octets(certificate)))), ...attributes);

// Returns the file. `credentials` are {name, pkcs8 (octets), chain: [certificate, its issuer, …]}, DER.
export async function makeFile(credentials, password) {
  const [keyBags, certificateBags, issuers] = [[], [], new Map()];
  for (const { name, pkcs8, chain } of credentials) {
    const mark = new Uint8Array(await crypto.subtle.digest("SHA-256", chain[0]));
    const attributes = set(sequence(FRIENDLY_NAME, set(bmp(name))), sequence(LOCAL_KEY, set(octets(mark))));
    const { algorithm, value } = await encrypted(password, pkcs8);
    keyBags.push(sequence(KEY_BAG, tagged(0, sequence(algorithm, octets(value))), attributes));
    certificateBags.push(certificateBag(chain[0], attributes));
    chain.slice(1).forEach((issuer) => issuers.set(issuer.join(), certificateBag(issuer)));
  }
  const { algorithm, value } = await encrypted(password, sequence(...certificateBags, ...issuers.values()));
  const content = sequence(DATA, algorithm, element(0x80, value));
  const safe = sequence(
    sequence(ENCRYPTED, tagged(0, sequence(integer(0), content))),
    sequence(DATA, tagged(0, octets(sequence(...keyBags)))),
  );
  const salt = random(16);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await macKey(password, salt), safe));
  const check = sequence(sequence(sequence(SHA256, NULL), octets(mac)), octets(salt), integer(MAC_ITERATIONS));
  return sequence(integer(3), sequence(DATA, tagged(0, octets(safe))), check);
}
