// The events of a live run as they come (`live_relay.py`): what the page asks for twice a second is complete, this is sooner.

const FINAL = [1000, 4401, 4403]; // finished, signed out, not allowed: nothing more will come
const SOON_MS = 500, LATE_MS = 30_000, DRAW_MS = 100, NEVER = -Infinity;

class Stream {
  // `draw` is told that there is something new, at most ten times a second.
  constructor(run, after, draw) {
    Object.assign(this, {run, after, draw, pause: SOON_MS, epochs: [], changes: [], drawn: NEVER});
    this.open();
  }

  open() {
    const url = new URL("live-events", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({run: this.run, after: this.after});
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({data}) => this.hear(JSON.parse(data));
    this.socket.onclose = ({code}) => {
      if (this.closed || FINAL.includes(code)) return;
      this.again = setTimeout(() => this.open(), this.pause);
      this.pause = Math.min(2 * this.pause, LATE_MS);
    };
  }

  hear(event) {
    Object.assign(this, {after: event.seq, pause: SOON_MS});
    if (event.type === "metric") this.epochs.push({...event, validation_metric: event.value});
    else if (event.type === "hyperparameters" && event.state === "applied") this.changes.push(event);
    else return;
    this.soon ??= setTimeout(() => {
      Object.assign(this, {soon: null, drawn: performance.now()});
      this.draw();
    }, Math.max(0, this.drawn + DRAW_MS - performance.now()));
  }

  // Add to what the page sent all that came since, and forget what it sent itself.
  onto(data) {
    const [run, ...others] = data.runs, last = run.epoch.at(-1) ?? 0;
    this.epochs = this.epochs.filter(({epoch}) => epoch > last);
    this.changes = this.changes.filter(({number}) => number > data.changes);
    const columns = Object.entries(run).map(([name, values]) =>
      [name, Array.isArray(values) ? [...values, ...this.epochs.map((one) => one[name])] : values]);
    const marks = this.changes.map(({number, epoch, row}) =>
      ({epoch: epoch + (row ? 0.5 : 0), label: String(number), colour: data.colour, said: []}));
    return {...data, runs: [Object.fromEntries(columns), ...others], marks: [...data.marks, ...marks]};
  }

  close() {
    this.closed = true;
    clearTimeout(this.again);
    clearTimeout(this.soon);
    this.socket.close();
  }
}
