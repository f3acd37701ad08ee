// A configuration profile for iPhone and iPad: the keys for mail as PKCS#12, signed (CMS, RFC 5652) by a key of the same person.
//
// The file holds no password: the phone asks for it. Who signs is the practitioner: nobody else ever has the keys that are in it.
import { base64, element, identifier, integer, octets, sequence, set, tagged, utf8 } from "./der.js";
import { makeFile } from "./pkcs12.js";
import { _ } from "./words.js";

const [SIGNED, DATA] = ["1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1"].map(identifier);
const [CONTENT_TYPE, DIGEST] = ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"].map(identifier);
const [SHA256, ECDSA] = ["2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"].map((dotted) => sequence(identifier(dotted)));

// --- the signature ------------------------------------------------------------------------------------------------------------

const header = (value, start) => {
  let [length, content] = [value[start + 1], start + 2];
  if (length > 127) {
    const end = content + length - 128;
    for (length = 0; content < end; content += 1) length = length * 256 + value[content];
  }
  return { content, end: content + length };
};

// Issuer and serial number of a certificate of ours (RFC 5280 §4.1): it has a version, always.
function issuerAndSerial(certificate) {
  const version = header(certificate, header(certificate, header(certificate, 0).content).content);
  const serial = header(certificate, version.end);
  const algorithm = header(certificate, serial.end);
  const issuer = header(certificate, algorithm.end);
  return sequence(certificate.slice(algorithm.end, issuer.end), certificate.slice(version.end, serial.end));
}

async function signed(content, { sign, chain }) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const attributes = [sequence(CONTENT_TYPE, set(DATA)), sequence(DIGEST, set(octets(digest)))];
  const signature = await sign(set(...attributes));
  const signer = sequence(integer(1), issuerAndSerial(chain[0]), SHA256, tagged(0, ...attributes), ECDSA, octets(signature));
  const what = sequence(DATA, tagged(0, octets(content)));
  return sequence(SIGNED, tagged(0, sequence(integer(1), set(SHA256), what, tagged(0, ...chain), set(signer))));
}

// --- the profile --------------------------------------------------------------------------------------------------------------

const escaped = (words) => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const written = (value) => {
  if (value instanceof Uint8Array) return `<data>${base64(value)}</data>`;
  if (Array.isArray(value)) return `<array>${value.map(written).join("")}</array>`;
  if (typeof value === "number") return `<integer>${value}</integer>`;
  if (typeof value === "string") return `<string>${escaped(value)}</string>`;
  return `<dict>${Object.entries(value).map(([name, each]) => `<key>${name}</key>${written(each)}`).join("")}</dict>`;
};

const payload = (type, place, name, facts) => ({
  PayloadType: type,
  PayloadVersion: 1,
  PayloadIdentifier: `${location.hostname.split(".").reverse().join(".")}.sceau.${place}`,
  PayloadUUID: crypto.randomUUID(),
  PayloadDisplayName: name,
  ...facts,
});

// Returns the file. `credentials` as for `makeFile`; `signer` is {sign, chain}.
export async function makeProfile(credentials, password, name, signer) {
  const issuers = new Map(credentials.flatMap(({ chain }) => chain.slice(1)).map((issuer) => [issuer.join(), issuer]));
  const keys = await Promise.all(credentials.map(async (one, place) =>
    payload("com.apple.security.pkcs12", `cle-${place + 1}`, one.name, { PayloadContent: await makeFile([one], password) })));
  const authorities = [...issuers.values()].map((issuer, place) =>
    payload("com.apple.security.pkcs1", `autorite-${place + 1}`, _("Autorité"), { PayloadContent: issuer }));
  const whole = payload("Configuration", "certificats", name, { PayloadContent: [...keys, ...authorities] });
  const plist = `<?xml version="1.0" encoding="UTF-8"?><plist version="1.0">${written(whole)}</plist>`;
  return signed(utf8(plist), signer);
}
