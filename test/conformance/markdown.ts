/** As code in a cell of a table: bytes, one character each, of which those that do not print are escaped. */
export function code(bytes: string): string {
  const printable = escaped(bytes).replaceAll('|', '\\|');
  return printable.includes('`') ? `\`\` ${printable} \`\`` : `\`${printable}\``;
}

/** As text in a cell of a table. */
export function text(words: string): string {
  return escaped(words).replace(/[|*_<`[\]]/g, (mark) => `\\${mark}`);
}

/** Runs of one byte as their number. */
export function shortened(bytes: string): string {
  return bytes.replace(/(.)\1{19,}/gs, (run: string, byte: string) => `{${run.length}\u00d7${byte}}`);
}

function escaped(bytes: string): string {
  return bytes.replace(/[^\x20-\x5b\x5d-\x7e\u00d7]/g, (byte) => {
    if (byte === '\\') return '\\\\';
    if (byte === '\n') return '\\n';
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
