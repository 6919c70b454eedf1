// GraphiQL in a real browser, as the server serves it: under its Content-Security-Policy, with no warning in the console; the
// editor is there and runs a query. Needs Chromium or Chrome, and no package: it is spoken to over a pipe (DevTools protocol).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATIENCE = 60_000;

class Browser {
  constructor(program) {
    this.profile = mkdtempSync(join(tmpdir(), 'graphiql-'));
    const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', `--user-data-dir=${this.profile}`, 'about:blank'];
    this.process = spawn(program, options, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.asked = new Map();
    this.events = [];
    let text = '';
    this.process.stdio[4].on('data', (chunk) => {
      text += chunk;
      const messages = text.split('\0');
      text = messages.pop();
      messages.forEach((message) => this.hear(JSON.parse(message)));
    });
    const none = (error) => new Error(`${program} does not start (${error.message}): install Chromium, or name another program with CHROMIUM`);
    this.failed = new Promise((_, reject) => this.process.on('error', (error) => reject(none(error))));
    this.failed.catch(() => {});
    // Told by `failed` already.
    this.process.stdio[3].on('error', () => {});
  }

  hear(message) {
    if (!message.id) return this.events.push(message);
    const { resolve, reject } = this.asked.get(message.id);
    return message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  }

  tell(method, params = {}, sessionId = undefined) {
    const id = this.asked.size + 1;
    const answer = new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return Promise.race([answer, this.failed]);
  }

  async close() {
    if (this.process.pid) {
      const ended = new Promise((resolve) => this.process.on('exit', resolve));
      this.process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

// What the page says when it goes wrong: errors and warnings of the console, violations of the policy, exceptions.
const complaints = (events) =>
  events.flatMap(({ method, params }) => {
    if (method === 'Runtime.exceptionThrown') return [params.exceptionDetails.exception?.description ?? params.exceptionDetails.text];
    if (method === 'Runtime.consoleAPICalled' && params.type === 'error') return [params.args.map((arg) => arg.value ?? arg.description).join(' ')];
    if (method === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level)) return [`${params.entry.text} ${params.entry.url ?? ''}`];
    // Of the others, such as fields without a name, GraphiQL itself has some.
    const violation = params.issue?.details.contentSecurityPolicyIssueDetails;
    if (violation) return [`a violation of the policy: ${JSON.stringify(violation)}`];
    return [];
  });

export const graphiql = async (url, program = process.env.CHROMIUM ?? 'chromium') => {
  const browser = new Browser(program);
  try {
    const { targetId } = await browser.tell('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.tell('Target.attachToTarget', { targetId, flatten: true });
    const page = (method, params) => browser.tell(method, params, sessionId);
    const run = async (expression) => (await page('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })).result.value;
    const until = async (what, expression) => {
      for (const begin = Date.now(); Date.now() - begin < PATIENCE; ) {
        const value = await run(expression);
        if (value) return value;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${what}: not within ${PATIENCE / 1000} s\n${complaints(browser.events).join('\n')}\n${await run('document.body.innerText')}`);
    };
    for (const domain of ['Page', 'Runtime', 'Log', 'Audits']) await page(`${domain}.enable`);
    await page('Page.navigate', { url });
    await until('the editor', `!!document.querySelector('.graphiql-query-editor .CodeMirror')`);
    await until('the query', `document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.getValue().includes('{')`);
    await run(`document.querySelector('.graphiql-execute-button').click()`);
    const result = `document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue()`;
    const answer = JSON.parse(await until('an answer', result));
    if (!answer.data || answer.errors) throw new Error(JSON.stringify(answer));
    // Completion needs the types, which are asked for in the background; their documentation is in a pane.
    await run(`document.querySelector('button[aria-label*="Documentation"]').click()`);
    await until('the documentation', `document.querySelector('.graphiql-doc-explorer')?.innerText.includes('Query')`);
    const found = complaints(browser.events);
    if (found.length > 0) throw new Error(found.join('\n'));
    return `${Object.keys(answer.data).join(', ')}`;
  } finally {
    await browser.close();
  }
};
