namespace Amesh.Xds.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("amesh-xds-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Puts a file there whole: who looks at any moment sees the old text or the new.</summary>
    public void Write(string name, string text)
    {
        string beside = File($".{name}.new");
        System.IO.File.WriteAllText(beside, text);
        System.IO.File.Move(beside, File(name), overwrite: true);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
