// Closed loop, flat out: what K6_WHAT says, at K6_URL. Each virtual user keeps its connection.
import http from "k6/http";
import { check } from "k6";

const url = __ENV.BENCH_URL;
const what = __ENV.BENCH_WHAT;
export const options = { vus: Number(__ENV.BENCH_USERS), duration: "10m" };
const asked = JSON.stringify({ name: "proofload", values: [1, 2, 3] });
const json = { headers: { "Content-Type": "application/json" } };
const file = what === "upload" ? open(__ENV.BENCH_FILE, "b") : null;

export default function () {
  if (what === "get") {
    http.get(url);
  } else if (what === "post") {
    const answer = http.post(url, asked, json);
    check(answer, { good: (r) => r.status === 200 && r.json().ok === true && r.json().id === 7 });
  } else {
    http.post(url, { file: http.file(file, "clip.mp4", "video/mp4") });
  }
}
