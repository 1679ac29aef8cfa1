/** Longest side of a picture that is sent; models look at no more. */
const LONGEST_SIDE = 1536;
const QUALITIES = [0.85, 0.7, 0.5, 0.35];

/** Bytes that a data URL stands for. */
export function dataUrlBytes(url: string): number {
  const body = url.slice(url.indexOf(",") + 1);
  return Math.floor((body.replace(/=+$/, "").length * 3) / 4);
}

/**
 * A picture as a JPEG data URL of at most `limit` bytes; smaller sides lose no more than needed.
 * What the camera wrote beside the picture, such as the place, is not in it.
 *
 * @throws Error where the file is no picture, or does not get small enough.
 */
export async function pictureToDataUrl(file: Blob, limit: number): Promise<string> {
  const bitmap = await createImageBitmap(file);
  try {
    for (let side = LONGEST_SIDE; side >= 256; side = Math.floor(side / 2)) {
      const canvas = draw(bitmap, side);
      for (const quality of QUALITIES) {
        const url = canvas.toDataURL("image/jpeg", quality);
        if (dataUrlBytes(url) <= limit) return url;
      }
    }
  } finally {
    bitmap.close();
  }
  throw new Error("the picture does not get small enough");
}

function draw(bitmap: ImageBitmap, side: number): HTMLCanvasElement {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this web view cannot draw");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
