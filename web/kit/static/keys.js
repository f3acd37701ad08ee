// Keys of certificates, made in this browser (CP 6.1.1): the private key is born here and is never sent.
//
// A key is made exportable, for two reasons: an encryption key must sign its request once, which WebCrypto allows to another
// use of the same key only, and its owner may want a .p12 file. What is kept in the browser's database is a copy that cannot
// be exported; what can be is forgotten with the page.
import { base64, bits, hex, identifier, integer, sequence, tagged, unsigned } from "./der.js";

const EC = { name: "ECDSA", namedCurve: "P-256" };
const RSA = { name: "RSASSA-PKCS1-v1_5", modulusLength: 3072, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
const KINDS = {
  "P-256": { make: EC, sign: { name: "ECDSA", hash: "SHA-256" }, keep: EC, uses: ["sign"] },
  "RSA-3072": { make: RSA, sign: { name: RSA.name }, keep: { name: "RSA-OAEP", hash: "SHA-256" }, uses: ["decrypt"] },
};

// RFC 5758 §3.2 and RFC 3279 §2.2.3 for the pair of numbers; RFC 4055 §5.
const signatureOf = (kind, raw) =>
  kind === "P-256"
    ? { algorithm: sequence(identifier("1.2.840.10045.4.3.2")), value: sequence(unsigned(raw.slice(0, 32)), unsigned(raw.slice(32))) }
    : { algorithm: sequence(identifier("1.2.840.113549.1.1.11"), [5, 0]), value: raw };

export async function signature(kind, privateKey, octets) {
  return signatureOf(kind, new Uint8Array(await crypto.subtle.sign(KINDS[kind].sign, privateKey, octets)));
}

// PKCS#10 (RFC 2986): no name and no wish, for the authority copies neither. It proves that the key is held.
async function requestOf(kind, privateKey, spki) {
  const info = sequence(integer(0), sequence(), spki, tagged(0));
  const { algorithm, value } = await signature(kind, privateKey, info);
  return sequence(info, algorithm, bits(value));
}

// Makes a key: {id, spki, request (DER), kept (cannot be exported), pkcs8() (only while this object lives)}.
export async function makeKey(kind) {
  const { make, keep, uses } = KINDS[kind];
  const pair = await crypto.subtle.generateKey(make, true, ["sign", "verify"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const pkcs8 = async () => new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const secret = await pkcs8();
  const kept = await crypto.subtle.importKey("pkcs8", secret, keep, false, uses);
  secret.fill(0);
  const id = hex(await crypto.subtle.digest("SHA-256", spki));
  return { id, kind, spki, request: await requestOf(kind, pair.privateKey, spki), kept, pkcs8 };
}

// --- the keys of this device --------------------------------------------------------------------------------------------------

const STORE = "keys";

const open = () =>
  new Promise((resolve, reject) => {
    const asked = indexedDB.open("sceau", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

async function inStore(mode, act) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const keep = ({ id, kind, kept }, profile, chain = []) =>
  inStore("readwrite", (store) => store.put({ id, kind, profile, key: kept, chain }));
export const forget = (id) => inStore("readwrite", (store) => store.delete(id));
export const kept = () => inStore("readonly", (store) => store.getAll());

export const requestText = (key) => base64(key.request);
