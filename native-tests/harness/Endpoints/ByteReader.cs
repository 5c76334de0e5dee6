using System.Text;

namespace Amesh.Harness.Endpoints;

/// <summary>Reads lines and counted bytes from a stream, keeping what came too early. One reader per connection, one caller at a time.</summary>
internal sealed class ByteReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[16384];
    private int _start;
    private int _end;

    /// <summary>The stream behind, for writing.</summary>
    public Stream Stream => stream;

    /// <summary>What has been read from the stream and not been taken yet.</summary>
    public ReadOnlyMemory<byte> Buffered => _buffer.AsMemory(_start, _end - _start);

    /// <summary>The next byte without taking it; -1 at the end.</summary>
    public async ValueTask<int> PeekAsync(CancellationToken stop) => _start < _end || await FillAsync(stop) ? _buffer[_start] : -1;

    /// <summary>A line without its line end, one char per byte; null when the stream ends before a line does.</summary>
    public async ValueTask<string?> ReadLineAsync(CancellationToken stop)
    {
        var line = new StringBuilder();
        while (_start < _end || await FillAsync(stop))
        {
            var newline = Array.IndexOf(_buffer, (byte)'\n', _start, _end - _start);
            var upTo = newline < 0 ? _end : newline;
            line.Append(Encoding.Latin1.GetString(_buffer, _start, upTo - _start));
            _start = newline < 0 ? _end : newline + 1;
            if (newline >= 0)
            {
                return line.ToString().TrimEnd('\r');
            }
        }
        return null;
    }

    /// <summary>Exactly <paramref name="count"/> bytes, fewer only when the stream ends.</summary>
    public async ValueTask<byte[]> ReadAsync(long count, CancellationToken stop)
    {
        using var bytes = new MemoryStream();
        while (bytes.Length < count && (_start < _end || await FillAsync(stop)))
        {
            var take = (int)Math.Min(count - bytes.Length, _end - _start);
            bytes.Write(_buffer, _start, take);
            _start += take;
        }
        return bytes.ToArray();
    }

    private async ValueTask<bool> FillAsync(CancellationToken stop)
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer, stop);
        return _end > 0;
    }
}
