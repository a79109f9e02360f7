// Open model: BENCH_RATE requests a second for BENCH_SECONDS, after a second in which the connections are opened.
import http from "k6/http";

const users = Number(__ENV.BENCH_USERS);
const scenario = (startTime, duration) => ({
  executor: "constant-arrival-rate",
  rate: Number(__ENV.BENCH_RATE),
  timeUnit: "1s",
  startTime,
  duration,
  gracefulStop: "0s",
  preAllocatedVUs: users,
  maxVUs: users,
});
export const options = {
  scenarios: { warm: scenario("0s", "1s"), open: scenario("1s", __ENV.BENCH_SECONDS + "s") },
  // Always true: they are there because a threshold is what makes k6 tell a scenario's figures apart.
  thresholds: {
    "http_req_duration{scenario:open}": ["max>=0"],
    "http_reqs{scenario:open}": ["count>=0"],
    "http_req_failed{scenario:open}": ["rate>=0"],
    "dropped_iterations{scenario:open}": ["count>=0"],
  },
  summaryTrendStats: ["min", "avg", "med", "p(95)", "p(99)", "max", "count"],
};

export default function () {
  http.get(__ENV.BENCH_URL);
}

export function handleSummary(data) {
  return { [__ENV.BENCH_SUMMARY]: JSON.stringify(data.metrics) };
}
