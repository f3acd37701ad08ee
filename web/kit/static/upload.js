// Sends a large file as it is, and says how much of it has left. (fetch cannot say it: XMLHttpRequest does.)
import { Failed, behind, prefix, say } from "./kit.js";
import { _ } from "./words.js";

const send = (path, file, bar) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open("POST", prefix + path);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-Sceau-Token", document.querySelector('meta[name="csrf"]').content);
  request.upload.onprogress = ({ loaded, total }) => { bar.value = (100 * loaded) / total; };
  request.onerror = () => reject(new Failed(0, { error: _("Le réseau ne répond pas."), advice: _("Recommencez.") }));
  request.onload = () => {
    let said = {};
    try { said = JSON.parse(request.responseText); } catch { /* not ours: the words of Failed do */ }
    if (request.status < 400) resolve(said);
    else reject(new Failed(request.status, said));
  };
  request.send(file);
});

behind(document.getElementById("extraction"), async (form) => {
  const [file] = form.querySelector("[type=file]").files;
  const bar = document.getElementById("envoi");
  bar.hidden = false;
  say(_("Le fichier est envoyé…"));
  const address = new URLSearchParams({ nom: file.name, date: form.querySelector("[type=date]").value });
  try {
    location.assign((await send(`/registre/imports?${address}`, file, bar)).next);
  } finally {
    bar.hidden = true;
  }
});
