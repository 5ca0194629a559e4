// Starts executions of a state machine: `k6 run -e PLAN=plan.json executions.js`.
import http from "k6/http";
import { check } from "k6";
import exec from "k6/execution";

const plan = JSON.parse(open(__ENV.PLAN));

export const options = {
  scenarios: {
    starts: { executor: "shared-iterations", vus: plan.atOnce, iterations: plan.executions, maxDuration: "10m" },
  },
};

export default function () {
  const machine = plan.machines[exec.scenario.iterationInTest % plan.machines.length];
  const headers = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "AWSStepFunctions.StartExecution",
    // The embedded AWS reads the Region from it and checks no signature.
    Authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${machine.region}/states/aws4_request, SignedHeaders=host, Signature=none`,
  };
  const name = `${plan.run}-${exec.scenario.iterationInTest}`;
  const body = JSON.stringify({ stateMachineArn: machine.arn, name: name, input: "{}" });
  const answer = http.post(plan.url, body, { headers });
  check(answer, { started: (given) => given.status === 200 });
}
