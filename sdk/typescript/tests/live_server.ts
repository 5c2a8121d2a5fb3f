/** A real server in a process of its own, that a test may kill and start again. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const DEFAULT = fileURLToPath(new URL("../../../.venv/bin/hongyan", import.meta.url));
const SETTINGS = [
  "users.argon2_passes=1",
  "users.argon2_memory_kib=8",
  "rates.address_per_s=0",
  "server.drain_s=0.2",
];

export class LiveServer {
  url = "";
  private readonly folder = mkdtempSync(join(tmpdir(), "hongyan-ts-"));
  private listen = "127.0.0.1:0";
  private process: ChildProcess | null = null;

  /** Start, and resolve when it is ready; the port is the same each time. */
  async start(): Promise<void> {
    const command = process.env.HONGYAN_BIN ?? DEFAULT;
    const args = ["serve", "--data", join(this.folder, "data"), "--listen", this.listen];
    const settings = SETTINGS.flatMap((setting) => ["--set", setting]);
    const server = spawn(command, [...args, ...settings], { stdio: ["ignore", "pipe", "pipe"] });
    this.process = server;
    const errors: string[] = [];
    server.stderr.on("data", (text) => errors.push(String(text)));
    for await (const line of createInterface({ input: server.stdout })) {
      const ready = /is ready: (http:\/\/(\S+))/.exec(line);
      if (ready === null) continue;
      this.url = ready[1] as string;
      this.listen = (ready[2] as string).replace(/\/$/, "");
      server.stdout.resume();
      return;
    }
    throw new Error(`The server did not start: ${errors.join("")}`);
  }

  /** End it without warning, as a crash would. */
  kill(): Promise<void> {
    return this.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const server = this.process;
    this.process = null;
    if (server === null) return;
    await new Promise((resolve) => {
      server.once("exit", resolve);
      server.kill(signal);
    });
  }
}
