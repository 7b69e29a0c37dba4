/** What follows a folder in a path, wherever the folder stands. */
export function after(text: string, folder: string): string | undefined {
  const at = `/${text}`.lastIndexOf(`/${folder}/`);
  return at < 0 ? undefined : `/${text}`.slice(at + folder.length + 2);
}
