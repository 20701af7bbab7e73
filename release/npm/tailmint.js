#!/usr/bin/env node
// Runs the program of this processor, as if it had been called itself: with the same
// streams, arguments and environment, and the same end, be it a status or a signal.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@tailmint/${process.platform}-${process.arch}`;

function fail(message, hint) {
  process.stderr.write(`error: ${message}\nhint: ${hint}\n`);
  process.exit(1);
}

function find() {
  const { optionalDependencies } = require("../package.json");
  if (!(name in optionalDependencies)) {
    fail(
      `there is no tailmint for ${process.platform} on ${process.arch}`,
      "there is one for: " +
        Object.keys(optionalDependencies)
          .map((it) => it.replace("@tailmint/", ""))
          .join(", "),
    );
  }
  try {
    return require.resolve(`${name}/bin/tailmint`);
  } catch {
    fail(
      `the package ${name} is not installed, which has the program`,
      "install tailmint again without --omit=optional (or --no-optional), on the machine " +
        "where it will run",
    );
  }
}

const program = find();

// What is sent to this process alone has to be handed on. A terminal sends its signals to
// both, and npm hands them on too: tailmint takes what comes within 100 ms for the same.
// SIGUSR1 is Node's own. Listening begins before there is a child, so that no signal ends
// this process alone.
const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"];
for (const signal of signals) {
  process.on(signal, () => child.kill(signal));
}
const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });

child.on("error", (error) => {
  fail(
    `the program of ${name} cannot be run: ${error.message}`,
    "see whether programs may be run where it is installed (mount option noexec)",
  );
});

child.on("exit", (status, signal) => {
  if (signal === null) {
    process.exit(status);
  }
  // Ends by the same signal, so that a shell sees what it would have seen. Where the signal
  // does not end this process, the status says it, as a shell would.
  for (const handled of signals) {
    process.removeAllListeners(handled);
  }
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
});
