using Microsoft.Extensions.Hosting;

namespace Amesh.Grpc.Server;

/// <summary>The server is a part of a program: Ctrl-C and SIGTERM are the program's, where the host's own lifetime would take them.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
