// The pages of a practitioner: activation by a link, renewal, the .p12 file, the sheet of recovery codes.
import { forget, kept, signature } from "./keys.js";
import { behind, create, freshly, post, prefix } from "./kit.js";
import { makeKeys, obtain } from "./obtain.js";
import { makeFile, newPassword } from "./pkcs12.js";
import { makeProfile } from "./profile.js";
import { _ } from "./words.js";

const at = (id) => document.getElementById(id);
const only = (id) => {
  for (const section of ["code-form", "identite", "accueil", "avance", "fait"]) at(section)?.toggleAttribute("hidden", section !== id);
  at(id).querySelector("[tabindex]")?.focus();
};
const tell = (step, words) => {
  at("avance-barre").value = step;
  at("avance-texte").textContent = words;
};
const element = (name, words, className = "") => Object.assign(document.createElement(name), { textContent: words, className });

// --- what was made ------------------------------------------------------------------------------------------------------------

let made = []; // keys that can still become a file, until this page is left

function showMade(ended, rpps) {
  made = ended.filter((one) => one.state === "fait");
  at("fait-liste").replaceChildren(...ended.map((one) => {
    const isMade = one.state === "fait";
    const card = element("li", "", `card ${isMade ? "good" : "bad"}-edge`);
    const words = isMade ? _("Valable jusqu'au %(until)s.", one) : _("L'autorité l'a refusé : demandez à votre ordre.");
    card.append(element("h2", one.title), element("p", words));
    if (one.failure) card.append(Object.assign(element("p", one.failure, "hint"), { lang: "en" }));
    return card;
  }));
  at("fichier").hidden = made.length === 0;
  at("sans-garde").hidden = made.every((one) => one.isKept);
  at("fichier-avant").hidden = !at("sans-garde").hidden;
  at("fichier").dataset.rpps = rpps;
  if (made.length < ended.length) at("fait-titre").textContent = made.length ? _("C'est fait en partie") : _("Rien n'a été fait");
  only("fait");
}

function offer(id, file, type, ending) {
  const url = URL.createObjectURL(new Blob([file], { type }));
  return Object.assign(at(id), { href: url, download: `sceau-${at("fichier").dataset.rpps}.${ending}` });
}

// For the mail of an iPhone, if there is a key for mail, and one to sign the profile with: made now, or here since before.
async function profileOf(credentials, password) {
  const mail = credentials.filter((_, place) => made[place].mail);
  const own = [...made.map(({ key, chain }) => ({ kind: key.kind, key: key.kept, chain })), ...(await kept().catch(() => []))];
  const signer = own.find(({ kind, chain }) => kind === "P-256" && chain.length);
  if (!mail.length || !signer) return null;
  const sign = async (octets) => (await signature(signer.kind, signer.key, octets)).value;
  return makeProfile(mail, password, _("Certificats pour le courrier"), { sign, chain: signer.chain });
}

behind(at("faire-fichier"), async (button) => {
  const password = newPassword();
  const credentials = await Promise.all(made.map(async ({ title, chain, key }) => ({ name: title, pkcs8: await key.pkcs8(), chain })));
  const file = await makeFile(credentials, password);
  const profile = await profileOf(credentials, password);
  credentials.forEach(({ pkcs8 }) => pkcs8.fill(0));
  const link = offer("telecharger", file, "application/x-pkcs12", "p12");
  if (profile) offer("telecharger-profil", profile, "application/x-apple-aspen-config", "mobileconfig");
  at("profil").hidden = !profile;
  at("mot-de-passe").textContent = password;
  at("fichier-fait").hidden = false;
  at("fichier-avant").hidden = true;
  at("sans-garde").hidden = true;
  button.parentElement.hidden = true;
  link.focus();
  await Promise.all(made.filter((one) => one.isKept).map(({ key }) => forget(key.id)));
  made = [];
});

// --- the sheet of codes -------------------------------------------------------------------------------------------------------

async function showCodes() {
  const { codes } = await freshly(() => post("/secours", {}));
  at("codes").replaceChildren(...codes.map((code) => element("li", code)));
  at("adresse-perte").textContent = `${location.host}${prefix}/perte`;
  at("secours").hidden = false;
}

behind(at("feuille"), async () => {
  await showCodes();
  at("avant").hidden = true;
  at("secours-titre").focus();
});

behind(at("imprimer"), async () => {
  document.body.classList.add("codes-only");
  window.print();
  document.body.classList.remove("codes-only");
});

// --- activation by a link -----------------------------------------------------------------------------------------------------

const activation = { keys: null, who: null, code: undefined, entered: false };

behind(at("code-form"), async (form) => {
  activation.code = form.code?.value;
  activation.who = await post(`/entree/${form.dataset.token}/identite`, { code: activation.code });
  at("qui-nom").textContent = activation.who.name;
  at("qui-profession").textContent = activation.who.profession;
  for (const place of document.querySelectorAll(".rpps")) place.textContent = activation.who.rpps;
  only("identite");
  activation.keys = makeKeys(activation.who.credentials); // while the person reads
  activation.keys.catch(() => {});
});

async function enter() {
  const path = `/entree/${at("code-form").dataset.token}`;
  const name = /Mobi/.test(navigator.userAgent) ? _("Mon téléphone") : _("Mon ordinateur");
  const response = await create(await post(`${path}/options`, { code: activation.code }));
  const { csrf } = await post(path, { code: activation.code, name, response });
  document.querySelector('meta[name="csrf"]').content = csrf;
  activation.entered = true;
  document.querySelector(".etape").hidden = false;
}

behind(at("activer"), async () => {
  if (!activation.entered) await enter();
  if (activation.who.credentials.length === 0) return location.assign(`${prefix}/`);
  only("avance");
  try {
    showMade(await obtain(await activation.keys, tell), activation.who.rpps);
  } catch (error) {
    only("identite");
    throw error;
  }
  await showCodes();
});

// --- renewal ------------------------------------------------------------------------------------------------------------------

for (const form of document.querySelectorAll("form.obtenir")) {
  behind(form, async () => {
    only("avance");
    try {
      tell(0, _("Vos clés sont fabriquées dans ce navigateur."));
      showMade(await obtain(await makeKeys(JSON.parse(form.dataset.demandes)), tell), at("accueil").dataset.rpps);
    } catch (error) {
      only("accueil");
      throw error;
    }
    if (at("accueil").dataset.codes === "non") await showCodes();
  });
}

const marks = document.querySelectorAll("[data-cle]");
if (marks.length) {
  const here = new Set((await kept().catch(() => [])).map(({ id }) => id));
  for (const mark of marks) mark.hidden = !here.has(mark.dataset.cle);
}
