export interface Entry {
  readonly word: string;
  readonly times: number;
}

export function count(text: string): Entry[] {
  const found = new Map<string, number>();
  for (const word of text.split(/\s+/)) found.set(word, (found.get(word) ?? 0) + 1);
  return [...found].map(([word, times]) => ({ word, times }));
}
