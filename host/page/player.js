// Where one stands in a list of steps, and what moves on by itself.

const FIRST = 900;
const EACH = 2600;

export class Player {
  #count = 0;
  #position = 0;
  #timer;
  #changed;

  /**
   * @param {(change: object) => void} changed is told `position`, `count`, whether it
   *   is `playing`, and whether it has just gone on `byItself`
   */
  constructor(changed) {
    this.#changed = changed;
  }

  get position() {
    return this.#position;
  }

  get isAtEnd() {
    return this.#position === this.#count;
  }

  get isPlaying() {
    return this.#timer !== undefined;
  }

  /** Takes a new list of so many steps, and shows the first `position` of them. */
  load(count, position) {
    this.#count = count;
    this.go(position);
  }

  /** Shows the first `position` steps, and stops. */
  go(position) {
    this.#stop();
    this.#show(position);
  }

  step(by) {
    this.go(this.#position + by);
  }

  play() {
    if (this.isPlaying) return;
    if (this.isAtEnd) {
      this.#show(0);
    }
    this.#next(this.#position === 0 ? FIRST : EACH / 2);
    this.#report();
  }

  pause() {
    this.#stop();
    this.#report();
  }

  #next(wait) {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#position + 1 < this.#count) {
        this.#next(EACH);
      }
      this.#show(this.#position + 1, true);
    }, wait);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #show(position, byItself) {
    this.#position = Math.max(0, Math.min(position, this.#count));
    this.#report(byItself);
  }

  #report(byItself = false) {
    const [position, count, playing] = [this.#position, this.#count, this.isPlaying];
    this.#changed({ position, count, playing, byItself });
  }
}
