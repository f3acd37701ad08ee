// Follows work as the server tells it (server-sent events), and shows the page again when it is over. Where there is no stream,
// for there are too many or a proxy lets none through, the page shows itself again every two seconds, as it does without script.
import { prefix } from "./kit.js";

const AGAIN = 2000;
const again = () => setTimeout(() => location.reload(), AGAIN);

const tell = (place, { said, count, done, total }) => {
  const [title, words, bar] = ["[data-said]", "[data-count]", "progress"].map((each) => place.querySelector(each));
  if (title.textContent !== said) title.textContent = said;
  words.textContent = count;
  if (total) {
    bar.max = total;
    bar.value = done;
  } else {
    bar.removeAttribute("value");
  }
};

const follow = (place) => {
  const source = new EventSource(prefix + place.dataset.live);
  source.addEventListener("told", ({ data }) => tell(place, JSON.parse(data)));
  source.addEventListener("over", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) again();
  });
};

for (const place of document.querySelectorAll("[data-live]")) {
  if (place.dataset.live) follow(place);
  else again();
}
