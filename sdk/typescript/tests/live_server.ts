/** A real server, or a whole cluster, that a test may kill and start again. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PYTHON = process.env.HONGYAN_PYTHON ?? `${ROOT}.venv/bin/python`;
export const SERVER_KIND = process.env.HONGYAN_SERVER ?? "embedded";

/** Of a cluster, `kill` ends all gateways and backends: what else there is outlives them. */
export class LiveServer {
  url = "";
  private program: ChildProcess | null = null;
  private answers: AsyncIterator<string> | null = null;

  /** Start, and resolve when it is ready; after `kill`, at the same URL. */
  async start(): Promise<void> {
    if (this.program === null) {
      const args = ["-m", "tests.ts.server", SERVER_KIND];
      const program = spawn(PYTHON, args, { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
      this.program = program;
      this.answers = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
      this.url = await this.answer();
    } else {
      this.url = await this.ask("start");
    }
  }

  /** End it without warning, as a crash would. */
  async kill(): Promise<void> {
    await this.ask("kill");
  }

  /** Make a backup of an embedded server. */
  async backUp(): Promise<void> {
    await this.ask("backup");
  }

  /** Put the backup in the place of what a killed server had. */
  async restore(): Promise<void> {
    await this.ask("restore");
  }

  /** Stop everything; what it kept is gone. */
  async stop(): Promise<void> {
    const program = this.program;
    this.program = null;
    if (program === null) return;
    const exit = once(program, "exit");
    program.stdin?.end();
    await exit;
  }

  private ask(word: string): Promise<string> {
    this.program?.stdin?.write(`${word}\n`);
    return this.answer();
  }

  private async answer(): Promise<string> {
    const line = await this.answers?.next();
    if (line === undefined || line.done) throw new Error("the server did not start, see above");
    return line.value;
  }
}
