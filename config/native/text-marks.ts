// Bounds what a text may hold before anything is made of it.

/** Whether more than so many of the characters stand in the text, wherever they do. */
export function hasMoreMarks(text: string, marks: string, bound: number): boolean {
  if (text.length <= bound) return false;
  const codes = new Set([...marks].map((mark) => mark.charCodeAt(0)));
  let count = 0;
  for (let index = 0; index < text.length && count <= bound; index += 1)
    if (codes.has(text.charCodeAt(index))) count += 1;
  return count > bound;
}
