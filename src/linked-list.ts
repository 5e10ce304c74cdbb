/**
 * A list from which anything can be taken in constant time, for what comes and goes all the time. A Set keeps holes where its
 * first items were, and walks them. It is also made anew when it is full of them; V8's quick collections take each old one for
 * alive because of the one before, with all that it held, until V8 collects the whole heap.
 */
export interface Node<Item> {
  readonly item: Item;
  before: Node<Item> | undefined;
  after: Node<Item> | undefined;
  isListed: boolean;
}

export class LinkedList<Item> implements Iterable<Item> {
  size = 0;
  first: Node<Item> | undefined;
  last: Node<Item> | undefined;

  append(item: Item): Node<Item> {
    const node: Node<Item> = { item, before: this.last, after: undefined, isListed: true };
    if (this.last === undefined) this.first = node;
    else this.last.after = node;
    this.last = node;
    this.size++;
    return node;
  }

  /**
   * False if it was removed before.
   * @param node of this list, which is not checked
   */
  remove(node: Node<Item>): boolean {
    if (!node.isListed) return false;
    const { before, after } = node;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    // What is old and gone must not hold what is new.
    node.before = undefined;
    node.after = undefined;
    node.isListed = false;
    this.size--;
    return true;
  }

  /** For a list that stays as it is meanwhile. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let node = this.first; node !== undefined; node = node.after) yield node.item;
  }
}
