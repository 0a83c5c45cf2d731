/** A stranger's word for the operator's eyes: at most 40 characters of printable ASCII, everything else as `?`. */
export function printable(text: string): string {
  return text.slice(0, 40).replace(/[^\x20-\x7e]/g, "?");
}
