/** A list from which anything can be taken in constant time. A Set keeps holes where its first items were, and walks them. */
export interface Node<Item> {
  readonly item: Item;
  before: Node<Item> | undefined;
  after: Node<Item> | undefined;
}

export class LinkedList<Item> implements Iterable<Item> {
  size = 0;
  first: Node<Item> | undefined;
  last: Node<Item> | undefined;

  append(item: Item): Node<Item> {
    const node: Node<Item> = { item, before: this.last, after: undefined };
    if (this.last === undefined) this.first = node;
    else this.last.after = node;
    this.last = node;
    this.size++;
    return node;
  }

  /** The node must be in this list. */
  remove({ before, after }: Node<Item>): void {
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    this.size--;
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let node = this.first; node !== undefined; node = node.after) yield node.item;
  }
}
