// A PNG made here (ISO/IEC 15948): a landscape of three bands, large enough to look at.

import { deflateSync } from 'node:zlib';

/** A PNG of this size. */
export function png(width, height) {
  const rows = [];
  for (let y = 0; y < height; y += 1) {
    const row = Buffer.alloc(1 + width * 3);
    for (let x = 0; x < width; x += 1) {
      const hill = height * (0.62 + 0.12 * Math.sin((x / width) * 5));
      const sun = Math.hypot(x - width * 0.72, y - height * 0.3) < height * 0.13;
      const shade = Math.round((y / height) * 60);
      const colour = sun ? [255, 214, 102] : y < hill ? [120 + shade, 180 + shade, 230] : [46, 125 - shade / 2, 92];
      row.set(colour, 1 + x * 3);
    }
    rows.push(row);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(crcOf(body), 4 + body.length);
  return frame;
}

/** The checksum of annex D; zlib.crc32 came with node 22. */
function crcOf(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
