import { count, type Entry } from "./words";
import "./page.css";

const entries: Entry[] = count("a page that counts the words of the page");
const list = document.querySelector<HTMLUListElement>("#words");
for (const { word, times } of entries) {
  list?.append(`${word}: ${times}`);
}
export const late = () => import("./words").then((module) => module.count("late"));
