// Open model: BENCH_RATE requests a second for BENCH_SECONDS.
import http from "k6/http";

export const options = {
  scenarios: {
    open: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.BENCH_RATE),
      timeUnit: "1s",
      duration: __ENV.BENCH_SECONDS + "s",
      preAllocatedVUs: Number(__ENV.BENCH_USERS),
      maxVUs: Number(__ENV.BENCH_USERS),
    },
  },
  summaryTrendStats: ["min", "avg", "med", "p(95)", "p(99)", "max", "count"],
};

export default function () {
  http.get(__ENV.BENCH_URL);
}

export function handleSummary(data) {
  return { [__ENV.BENCH_SUMMARY]: JSON.stringify(data.metrics) };
}
