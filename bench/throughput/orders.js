// Places orders over HTTP, each to its end: `k6 run -e PLAN=plan.json orders.js`.
import http from "k6/http";
import { check, sleep } from "k6";
import exec from "k6/execution";

const plan = JSON.parse(open(__ENV.PLAN));

export const options = {
  scenarios: {
    orders: { executor: "shared-iterations", vus: plan.atOnce, iterations: plan.orders, maxDuration: "10m" },
  },
  summaryTrendStats: ["med", "p(95)", "max"],
};

export default function () {
  const number = exec.scenario.iterationInTest;
  const customer = plan.customers[number % plan.customers.length];
  const headers = {
    Authorization: `Bearer ${customer.token}`,
    "Content-Type": "application/json",
    "Idempotency-Key": `${plan.run}-${number}`,
  };
  const body = JSON.stringify({ lines: [{ sku: plan.sku, quantity: 1 }] });
  let answer = http.post(`${customer.url}/v1/orders`, body, { headers });
  const placed = check(answer, { placed: (given) => given.status === 201 });
  const location = answer.headers["Location"];
  for (let looks = 0; placed && answer.json("state") === "Pending" && looks < 120; looks++) {
    sleep(0.5);
    answer = http.get(`${customer.url}${location}`, { headers });
  }
  check(answer, { completed: (given) => given.status < 300 && given.json("state") === "Completed" });
}
